/**
 * What does not survive a reboot is applied again by a oneshot unit: one for the host, and one per
 * feed interface that waits for the interface's device.
 */
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Host } from "../host/host.ts";
import { unitWord } from "../host/unit-word.ts";
import type { Machine } from "./machine.ts";
import type { PlanItem, PlanRequest } from "./plan.ts";
import type { Target } from "./target.ts";

const unitFolder = "/etc/systemd/system";
const hostUnit = "hftedge-tune.service";
const nicUnit = "hftedge-tune@.service";

export interface BootPlan {
  files: { path: string; body: string }[];
  units: { target: Target; desired: string }[];
  notes: string[];
}

/** systemd.unit(5): what is neither letter, digit, ":", "_" nor "." is written \xNN. */
export function escapeInstance(name: string): string {
  return [...new TextEncoder().encode(name)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const plain = /[A-Za-z0-9:_]/.test(character) || (character === "." && index > 0);
      return plain ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function oneshot(description: string, order: readonly string[], exec: string, wanted: string) {
  return [
    "[Unit]",
    `Description=${description}`,
    ...order,
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${exec}`,
    // A compiled program would obey these two.
    "UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN",
    "",
    "[Install]",
    `WantedBy=${wanted}`,
    "",
  ].join("\n");
}

/** More links in a row than this is a circle; the kernel stops at 40 as well (path_resolution(7)). */
const linksMax = 40;

/** Why others than root could put another file in a path's place, also by way of its links; or null. */
function whyReplaceable(
  host: Pick<Host, "stat" | "link">,
  path: string,
  linksLeft = linksMax,
): string | null {
  const names = path.split("/").filter((name) => name !== "");
  let at = "/";
  for (let index = 0; ; index++) {
    const stat = host.stat(at);
    if (stat === null) return `${at} is not there`;
    // Anyone may add to a sticky folder, nobody may replace what is root's in it.
    const sticky = stat.kind === "directory" && (stat.mode & 0o1000) !== 0;
    if (stat.uid !== 0 || ((stat.mode & 0o022) !== 0 && !sticky && stat.kind !== "link")) {
      return `${at} can be changed by others than root`;
    }
    if (stat.kind === "link") {
      if (linksLeft === 0) return `${at} leads in a circle`;
      // A link of root's may lead to where others write: what counts then is there.
      const target = resolve(dirname(at), host.link(at) ?? "", ...names.slice(index));
      return whyReplaceable(host, target, linksLeft - 1);
    }
    const name = names[index];
    if (name === undefined) return null;
    at = join(at, name);
  }
}

/** Why root must not run this program at boot: somebody else could put another in its place. */
export function whyUntrusted(
  host: Pick<Host, "root" | "stat" | "link">,
  program: readonly string[],
): string | null {
  if (program.length === 0) return "the program's own path is not known";
  if (host.root !== "") return null;
  for (const word of program.filter((part) => isAbsolute(part))) {
    const reason = whyReplaceable(host, word);
    if (reason !== null) return reason;
  }
  return null;
}

const lasting = new Set(["sysctl", "rp-filter", "kernel", "drop-in", "unit", "leftover"]);

function isVolatile(item: PlanItem): boolean {
  return (
    item.targets.length > 0 &&
    ["change", "in sync", "pending"].includes(item.state) &&
    !lasting.has(item.setting.knob.kind)
  );
}

/** Values that a boot loses. */
export function volatileItems(items: readonly PlanItem[]): PlanItem[] {
  return items.filter(isVolatile);
}

export function planBoot(
  host: Host,
  machine: Machine,
  request: PlanRequest,
  items: readonly PlanItem[],
): BootPlan {
  const plan: BootPlan = { files: [], units: [], notes: [] };
  if (machine.owners.has("irqbalance") && request.take.includes("irqbalance")) {
    plan.units.push({
      target: { kind: "unit", unit: "irqbalance.service", start: true },
      desired: "disabled inactive",
    });
  }
  const lost = volatileItems(items);
  if (lost.length === 0 || machine.surroundings === "container") return plan;
  if (!machine.systemd) {
    plan.notes.push(
      `${lost.length} settings are lost at a reboot: systemd does not run here, so run \`hftedge tune apply\` at each boot`,
    );
    return plan;
  }
  const untrusted = whyUntrusted(host, request.program);
  if (untrusted !== null && !request.force) {
    plan.notes.push(
      `${lost.length} settings are lost at a reboot: no boot unit is written, because ${untrusted}; install hftedge in /usr/local/bin and apply again`,
    );
    return plan;
  }
  const exec = [...request.program, "tune", "apply", "--boot"].map(unitWord).join(" ");
  const enable = (unit: string): void => {
    plan.units.push({ target: { kind: "unit", unit, start: false }, desired: "enabled inactive" });
  };
  if (lost.some((item) => item.setting.scope !== "interface")) {
    plan.files.push({
      path: `${unitFolder}/${hostUnit}`,
      body: oneshot(
        "Settings of hftedge that a reboot loses",
        ["After=systemd-sysctl.service nvidia-persistenced.service", "Before=hftedge.service"],
        exec,
        "multi-user.target",
      ),
    });
    enable(hostUnit);
  }
  const interfaces = new Set(
    lost.filter((item) => item.setting.scope === "interface").map((item) => item.instance),
  );
  if (interfaces.size > 0) {
    const device = "sys-subsystem-net-devices-%i.device";
    plan.files.push({
      path: `${unitFolder}/${nicUnit}`,
      body: oneshot(
        "Settings of hftedge on interface %I",
        [`BindsTo=${device}`, `After=${device}`, "Before=hftedge.service"],
        `${exec} --interface %I`,
        device,
      ),
    });
  }
  for (const name of interfaces) enable(`hftedge-tune@${escapeInstance(name)}.service`);
  return plan;
}
