/** Our own files, composed from the lines that settings contribute, and what stands in their way. */
import { SysctlBoot, sysctlKeyName, sysctlKeyPath } from "../host/sysctl.ts";
import type { Access } from "./access.ts";
import type { Machine } from "./machine.ts";
import { ownedText, ownership } from "./owned-file.ts";
import type { PlanItem, PlannedTarget } from "./plan.ts";
import type { Setting } from "./setting.ts";

/** Sorts after 99-sysctl.conf, Debian's link to /etc/sysctl.conf: the last file by name wins. */
export const sysctlPath = "/etc/sysctl.d/99-zz-hftedge.conf";
export const grubPath = "/etc/default/grub.d/60-hftedge.cfg";
export const dropInPath = (unit: string): string => `/etc/systemd/system/${unit}.d/60-hftedge.conf`;
const fileMode = 0o644;

/** One line of one of our files. */
export interface Contribution {
  path: string;
  /** The sysctl key, the directive or variable, the kernel argument. */
  key: string;
  line: string;
}

export interface PlannedFile {
  path: string;
  mode: number;
  live: string | null;
  desired: string;
  state: "in sync" | "change" | "external";
  reason: string | null;
}

const sysctlLine = (key: string, value: string): Contribution => ({
  path: sysctlPath,
  key,
  line: `${key} = ${value}`,
});

export function contributionOf(
  setting: Setting,
  machine: Machine,
  value: string,
  targets: readonly PlannedTarget[],
): Contribution[] {
  const { knob } = setting;
  switch (knob.kind) {
    case "sysctl":
      if (machine.surroundings === "container") return [];
      return [sysctlLine(sysctlKeyName(knob.key), value)];
    case "rp-filter":
      if (machine.surroundings === "container") return [];
      return targets.flatMap(({ target, desired }) =>
        target.kind === "value"
          ? [sysctlLine(sysctlKeyName(target.path.slice("/proc/sys/".length)), desired)]
          : [],
      );
    case "kernel": {
      const line = `${knob.argument}=${value}`;
      return machine.bootloader === "grub.d" ? [{ path: grubPath, key: knob.argument, line }] : [];
    }
    case "drop-in": {
      const { directive, variable } = knob;
      const line = variable === undefined ? value : `${variable}=${value}`;
      const key = variable ?? directive;
      return [{ path: dropInPath(knob.unit), key, line: `${directive}=${line}` }];
    }
    default:
      return [];
  }
}

function body(path: string, lines: readonly string[]): string {
  if (path === grubPath) {
    const variable = "GRUB_CMDLINE_LINUX_DEFAULT";
    return `${variable}="$${variable} ${lines.join(" ")}"\n`;
  }
  const text = `${lines.join("\n")}\n`;
  return path.startsWith("/etc/systemd/") ? `[Service]\n${text}` : text;
}

function compare(access: Access, path: string, desired: string, force: boolean): PlannedFile {
  const file = { path, mode: fileMode, live: null, desired };
  const reading = access.read({ kind: "file", path, mode: fileMode });
  if (!reading.ok) return { ...file, state: "external", reason: reading.reason };
  const live = reading.value;
  if (live === desired) return { ...file, live, state: "in sync", reason: null };
  const whose = live === null ? "ours" : ownership(live);
  if (whose === "ours" || force) return { ...file, live, state: "change", reason: null };
  const reason =
    whose === "edited"
      ? `${path} was edited by hand since we wrote it`
      : `${path} was there before us`;
  return { ...file, live, state: "external", reason };
}

/** Whether the file on disk has the line already, as a line or as one of grub's arguments. */
function holds(file: PlannedFile, { path, line }: Contribution): boolean {
  const text = file.live ?? "";
  if (path !== grubPath) return text.split("\n").includes(line);
  return text.split(/[\s"]+/).includes(line);
}

/**
 * Composes the files and settles each item by them: a line that is not on disk yet makes its item a
 * change, and a file that is not ours, or a later one that overrides it, makes it external.
 */
export function composeFiles(
  access: Access,
  items: readonly PlanItem[],
  extra: readonly { path: string; body: string }[],
  force: boolean,
): { items: PlanItem[]; files: PlannedFile[] } {
  const lines = new Map<string, string[]>();
  for (const { path, line } of items.flatMap((item) => item.contributions)) {
    lines.set(path, [...(lines.get(path) ?? []), line]);
  }
  const files = [
    ...[...lines].map(([path, list]) => compare(access, path, ownedText(body(path, list)), force)),
    ...extra.map(({ path, body: text }) => compare(access, path, ownedText(text), force)),
  ];
  const sysctl = files.find((file) => file.path === sysctlPath && file.state !== "external");
  const after =
    sysctl === undefined
      ? null
      : new SysctlBoot(access.host, new Map([[sysctlPath, sysctl.desired]]));

  const settled = items.map((item): PlanItem => {
    if (item.contributions.length === 0 || item.state === "external") return item;
    const missing = item.contributions.some((line) => {
      const file = files.find(({ path }) => path === line.path)!;
      return !holds(file, line);
    });
    const blocked = files.find(
      (file) =>
        file.state === "external" && item.contributions.some(({ path }) => path === file.path),
    );
    if (blocked !== undefined) {
      return { ...item, state: "external", reason: `${blocked.reason}; --force replaces it` };
    }
    for (const { path, key, line } of item.contributions) {
      const boot = path === sysctlPath ? after?.get(sysctlKeyPath(key)) : undefined;
      if (boot === undefined || boot === null || boot.path === sysctlPath) continue;
      if (line === `${key} = ${boot.value}`) continue;
      const reason = `${boot.path} sets ${key} to ${boot.value} at boot and is read after ${sysctlPath}`;
      return { ...item, boot, state: "external", reason };
    }
    return missing ? { ...item, state: "change" } : item;
  });
  return { items: settled, files };
}
