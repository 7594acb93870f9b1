/** What a running kernel or service uses now, for settings that take effect only at its next start. */
import { basename } from "node:path";
import { dropInLines, hasSystemd, unitProperty } from "../host/systemd.ts";
import type { Access } from "./access.ts";
import { grubPath, dropInPath } from "./file-plan.ts";
import type { Machine } from "./machine.ts";
import type { PlanItem } from "./plan.ts";

/** Where systemd-boot's kernels take their command line from: one line for everybody. */
const kernelInstallPath = "/etc/kernel/cmdline";

/** An argument of the kernel command line: in force, waiting for a reboot, or set by somebody else. */
export function lookAtKernelArgument(
  access: Access,
  machine: Machine,
  item: PlanItem,
  value: string,
): PlanItem {
  const { knob } = item.setting;
  if (knob.kind !== "kernel") return item;
  const running = machine.kernelArguments.findLast((a) => a.startsWith(`${knob.argument}=`));
  const live = running?.slice(knob.argument.length + 1) ?? null;
  if (machine.bootloader === "systemd-boot") {
    if (live === value) return { ...item, live, state: "in sync" };
    const reason = `${kernelInstallPath} is not ours: add ${knob.argument}=${value} to it, then run kernel-install`;
    return { ...item, live: live ?? "absent", state: "external", reason };
  }
  const written = item.targets.every((t) => t.live === t.desired);
  if (live === value) return { ...item, live, state: written ? "in sync" : "change" };
  const own = (access.host.read(grubPath) ?? "").split(/[\s"]+/);
  const ours = running !== undefined && own.includes(running);
  const before = item.targets[0]?.live ?? null;
  if (running !== undefined && !ours && before !== value && machine.bootloader === "grub.d") {
    const reason = `the command line has ${running} already, and not from us`;
    return { ...item, live, state: "external", reason, targets: [], contributions: [] };
  }
  const state = written ? "pending" : "change";
  return { ...item, live: live ?? "absent", state, reason: "takes effect at the next reboot" };
}

/** The value of NAME in a process's environment; null when it is not set or not readable. */
export function environmentOf(text: string, name: string): string | null {
  const found = text.split("\0").find((entry) => entry.startsWith(`${name}=`));
  return found?.slice(name.length + 1) ?? null;
}

/** Whether a directive's text gives this value, to the variable or, without one, as a whole. */
function assigns(text: string, variable: string | undefined, value: string): boolean {
  if (variable === undefined) return text === value;
  const words = text.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const assigned = words
    .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"))
    .findLast((word) => word.startsWith(`${variable}=`));
  return assigned === `${variable}=${value}`;
}

function runningPid(access: Access, unit: string): number {
  if (!hasSystemd(access.host)) return 0;
  return Number(unitProperty(access.host, unit, "MainPID")) || 0;
}

/** A line of a unit's drop-in, against a later drop-in and against the process that runs now. */
export function lookAtService(access: Access, item: PlanItem, value: string): PlanItem {
  const { knob } = item.setting;
  if (knob.kind !== "drop-in") return item;
  const { host } = access;
  const own = dropInPath(knob.unit);
  const lines = dropInLines(host, knob.unit).filter(({ directive, value: text }) =>
    knob.variable === undefined
      ? directive === knob.directive
      : directive === knob.directive && new RegExp(`(?:^|[\\s"'])${knob.variable}=`).test(text),
  );
  const last = lines.at(-1);
  const later = last !== undefined && basename(last.path) > basename(own) ? last : undefined;
  const pid = runningPid(access, knob.unit);
  let live: string | null = null;
  let known = false;
  if (pid > 0 && knob.variable !== undefined) {
    const text = host.read(`/proc/${pid}/environ`);
    known = text !== null;
    live = known ? (environmentOf(text!, knob.variable) ?? "not set") : null;
  } else if (pid > 0) {
    live = unitProperty(host, knob.unit, knob.directive) || null;
  }
  if (later !== undefined && !assigns(later.value, knob.variable, value)) {
    const reason = `${later.path} sets it too and is read after ${own}`;
    return {
      ...item,
      live,
      state: "external",
      reason,
      boot: { value: later.value, path: later.path },
    };
  }
  if (known && live !== value) {
    return { ...item, live, state: "pending", reason: `takes effect when ${knob.unit} restarts` };
  }
  return { ...item, live, state: "in sync" };
}
