/** One setting at a time: what it wants here, what is there, and what stands in the way. */
import type { Host } from "../host/host.ts";
import { SysctlBoot, sysctlKeyPath } from "../host/sysctl.ts";
import { type Access, sameValue } from "./access.ts";
import { expand } from "./expand.ts";
import { contributionOf } from "./file-plan.ts";
import type { Journal } from "./journal.ts";
import { lookAtKernelArgument, lookAtService } from "./live.ts";
import type { Machine } from "./machine.ts";
import type { PlanItem, PlannedTarget, PlanRequest } from "./plan.ts";
import type { Leftover, Setting, Skip, Value } from "./setting.ts";
import { type Target, targetKey } from "./target.ts";

function wishOf(setting: Setting, request: PlanRequest): Value | null {
  if (request.without.includes(setting.id)) return null;
  const wish = request.profile === "safe" ? setting.safe : setting.aggressive;
  if (wish !== undefined) return wish;
  if (!request.with.includes(setting.id)) return null;
  return setting.asked ?? setting.aggressive ?? null;
}

/** Kinds whose values a container sees but does not own, unless they belong to its network. */
function notInContainer(setting: Setting): boolean {
  const { knob } = setting;
  if (knob.kind === "sysctl") return !knob.key.startsWith("net/ipv4/");
  if (setting.scope === "interface") return knob.kind === "irq";
  return !["audit", "leftover", "run"].includes(knob.kind);
}

function whyNot(setting: Setting, machine: Machine): string | null {
  const { knob } = setting;
  if (machine.surroundings === "container" && notInContainer(setting)) {
    return "a container shares its host's kernel: tune the host";
  }
  if ((knob.kind === "drop-in" || knob.kind === "unit") && !machine.systemd) {
    return "systemd does not run here";
  }
  if (knob.kind === "kernel" && machine.bootloader === "unknown") {
    return "no boot loader that is known here (GRUB with grub.d, grubby)";
  }
  return setting.needs?.(machine) ?? null;
}

function refusal(setting: Setting, machine: Machine, instance: string): string | null {
  if (setting.effect === "NIC reset") {
    const lifeline = machine.lifelines.get(instance);
    if (lifeline !== undefined) return `may reset ${instance}, which carries ${lifeline}`;
  }
  return setting.guard?.(machine, instance) ?? null;
}

export class Planner {
  private readonly access: Access;
  private readonly machine: Machine;
  private readonly request: PlanRequest;
  private readonly boot: SysctlBoot;
  private readonly journal: Journal | null;
  private readonly planned = new Set<string>();
  private readonly mended = new Map<string, string>();

  constructor(access: Access, machine: Machine, request: PlanRequest, journal: Journal | null) {
    this.journal = journal;
    this.access = access;
    this.machine = machine;
    this.request = request;
    this.boot = new SysctlBoot(access.host);
  }

  /** One setting on one instance; null when this profile says nothing about it. */
  item(setting: Setting, instance: string): PlanItem | null {
    const item: PlanItem = {
      id: instance === "" ? setting.id : `${setting.id}:${instance}`,
      setting,
      instance,
      state: "not applicable",
      reason: null,
      live: null,
      desired: null,
      boot: null,
      targets: [],
      contributions: [],
      leftovers: [],
    };
    const { knob } = setting;
    if (knob.kind === "none") return null;
    if (knob.kind === "audit") {
      const { live, finding } = knob.look(this.access.host, this.machine);
      return { ...item, live, reason: finding, state: finding === null ? "seen" : "finding" };
    }
    if (knob.kind === "leftover") return this.leftover(item, knob.look);
    if (knob.kind === "run") return { ...item, state: "seen", reason: setting.answer };
    const wish = wishOf(setting, this.request);
    if (wish === null) return setting.verdict === "audit" ? this.audit(item) : null;
    const why = whyNot(setting, this.machine);
    if (why !== null) return { ...item, reason: why };
    return this.wanted(item, wish);
  }

  private leftover(
    item: PlanItem,
    look: (host: Host, machine: Machine) => Leftover[],
  ): PlanItem | null {
    const leftovers = look(this.access.host, this.machine);
    if (leftovers.length === 0) return null;
    const found = leftovers.map(({ path, found: text }) => `${path}: ${text}`).join("; ");
    const mendings = leftovers.flatMap((leftover) => this.mending(leftover) ?? []);
    const mend = this.request.removeLeftovers && mendings.length > 0;
    const offer = mendings.length > 0 && !mend ? " (put right with --remove-leftovers)" : "";
    const targets = mend ? mendings : [];
    return {
      ...item,
      state: mend ? "change" : "finding",
      reason: `${item.setting.why}${offer}`,
      live: found,
      leftovers,
      targets,
    };
  }

  /**
   * Several leftovers in one file are mended one after the other. Null for what only a person can
   * mend, as a file behind a link: a new one would take the link's place.
   */
  private mending({ path, mend }: Leftover): PlannedTarget | null {
    if (mend === null) return null;
    const target: Target = path.startsWith("/proc/")
      ? { kind: "value", path }
      : { kind: "file", path, mode: 0o644 };
    const reading = this.access.read(target);
    if (!reading.ok || reading.value === null) return null;
    const desired = mend(this.mended.get(path) ?? reading.value);
    this.mended.set(path, desired);
    return { target, live: reading.value, desired };
  }

  /** Something that may be asked for: its live value is shown. */
  private audit(item: PlanItem): PlanItem | null {
    if (whyNot(item.setting, this.machine) !== null) return null;
    const { knob } = item.setting;
    if (knob.kind === "kernel") {
      const found = this.machine.kernelArguments.findLast((a) => a.startsWith(`${knob.argument}=`));
      return { ...item, state: "seen", live: found ?? null, reason: item.setting.answer };
    }
    const live = expand(item.setting, this.access.host, this.machine, item.instance, null)
      .map(({ target }) => this.access.read(target))
      .flatMap((reading) => (reading.ok && reading.value !== null ? [reading.value] : []));
    if (live.length === 0) return null;
    return { ...item, state: "seen", live: summary(live), reason: item.setting.answer };
  }

  private wanted(item: PlanItem, wish: Value): PlanItem {
    const { setting, instance } = item;
    const { host } = this.access;
    const expanded = expand(setting, host, this.machine, instance, this.journal);
    const free = expanded.filter(({ target }) => !this.planned.has(targetKey(target)));
    if (expanded.length > 0 && free.length === 0) {
      return { ...item, state: "seen", reason: "done together with another interface" };
    }
    const readings = free.map((wanted) => ({
      ...wanted,
      reading: this.access.read(wanted.target),
    }));
    const first = readings.find(({ reading }) => reading.ok)?.reading;
    const live = first?.ok === true ? first.value : null;
    const value = this.value(setting, wish, instance, live);
    if (typeof value !== "string") return { ...item, live, reason: value.skip };

    const targets: PlannedTarget[] = [];
    let why: string | null = null;
    for (const { target, value: of, always, reading } of readings) {
      if (!reading.ok) why ??= reading.reason;
      else
        targets.push({ target, live: reading.value, desired: of(value), always: always === true });
    }
    const fileOnly = setting.knob.kind === "drop-in" || setting.knob.kind === "kernel";
    if (targets.length === 0 && !fileOnly) {
      return { ...item, desired: value, reason: why ?? "not on this machine" };
    }
    const planned: PlanItem = {
      ...item,
      desired: value,
      live: summary(targets.map((t) => t.live ?? "absent")),
      targets,
      contributions: contributionOf(setting, this.machine, value, targets),
    };
    const owner = (setting.owners ?? []).find(
      (name) => this.machine.owners.has(name) && !this.request.take.includes(name),
    );
    if (owner !== undefined) {
      const reason = `${owner} is active and owns it; --take ${owner} overrules it`;
      return { ...planned, state: "external", reason, targets: [], contributions: [] };
    }
    const settled = this.settle(planned, value);
    const no = settled.state === "change" ? refusal(setting, this.machine, instance) : null;
    if (no !== null && !this.request.force) {
      const reason = `${no}; --force does it all the same`;
      return { ...settled, state: "refused", reason, targets: [], contributions: [] };
    }
    for (const { target } of settled.targets) this.planned.add(targetKey(target));
    return settled;
  }

  private value(
    setting: Setting,
    wish: Value,
    instance: string,
    live: string | null,
  ): string | Skip {
    const value = typeof wish === "string" ? wish : wish(this.machine, instance, live);
    if (typeof value !== "string" || setting.compare !== "at least") return value;
    return live !== null && Number(live) > Number(value) ? live : value;
  }

  /** Compares what is, what will be after a boot, and what is wanted. */
  private settle(item: PlanItem, value: string): PlanItem {
    const { knob } = item.setting;
    if (knob.kind === "kernel") return lookAtKernelArgument(this.access, this.machine, item, value);
    if (knob.kind === "drop-in") return lookAtService(this.access, item, value);
    const same = item.targets.every((t) => sameValue(t.target, t.live, t.desired));
    const waiting = same
      ? item.targets
          .map((t) => this.access.pending(t.target, t.desired))
          .find((reason) => reason !== null)
      : undefined;
    if (waiting !== undefined) return { ...item, state: "pending", reason: waiting };
    if (knob.kind !== "sysctl" && knob.kind !== "rp-filter") {
      return { ...item, state: same ? "in sync" : "change" };
    }
    const boot = item.contributions
      .map((line) => this.boot.get(sysctlKeyPath(line.key)))
      .findLast((found) => found !== null);
    return { ...item, boot: boot ?? null, state: same ? "in sync" : "change" };
  }
}

/** One word for the values of many targets: "powersave" or "powersave ×6, performance ×2". */
export function summary(values: readonly string[]): string | null {
  if (values.length === 0) return null;
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (counts.size === 1) return values[0]!;
  return [...counts].map(([value, count]) => `${value} ×${count}`).join(", ");
}
