/** systemd as tune and service need it: whether it runs here, what a unit's state is, how to change it. */
import type { Host } from "./host.ts";

const unitFolders = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/** What sd_booted(3) asks: systemd is this machine's init. */
export function hasSystemd(host: Host): boolean {
  return host.exists("/run/systemd/system");
}

/** Whether a unit file of that name is installed; for an instance ("a@b.service") its template counts. */
export function unitInstalled(host: Host, unit: string): boolean {
  const template = unit.replace(/@[^.]*\./, "@.");
  return unitFolders.some(
    (folder) => host.exists(`${folder}/${unit}`) || host.exists(`${folder}/${template}`),
  );
}

export function unitActive(host: Host, unit: string): boolean {
  return hasSystemd(host) && host.run(["systemctl", "is-active", unit]).stdout.trim() === "active";
}

/** "enabled active", "disabled inactive", … or null when the unit is unknown to systemd. */
export function unitState(host: Host, unit: string): string | null {
  const enabled = host.run(["systemctl", "is-enabled", unit]).stdout.trim();
  if (enabled === "" || enabled === "not-found") return null;
  const active = host.run(["systemctl", "is-active", unit]).stdout.trim();
  // A oneshot without RemainAfterExit is never "active"; "failed" is as good as inactive to us.
  return `${enabled} ${active === "active" ? "active" : "inactive"}`;
}

/** One property of a unit as systemd sees it, or "" where it has none. */
export function unitProperty(host: Host, unit: string, property: string): string {
  const result = host.run(["systemctl", "show", "--property", property, "--value", unit]);
  return result.code === 0 ? result.stdout.trim() : "";
}

export interface DropInLine {
  path: string;
  directive: string;
  value: string;
}

/**
 * Directives of a unit's drop-ins in the order in which systemd reads them: by file name over all
 * folders, where a name in /etc hides the same name in /run and /usr.
 */
export function dropInLines(host: Host, unit: string): DropInLine[] {
  const files = new Map<string, string>();
  for (const folder of unitFolders.toReversed()) {
    for (const name of host.list(`${folder}/${unit}.d`)) {
      if (name.endsWith(".conf")) files.set(name, `${folder}/${unit}.d/${name}`);
    }
  }
  const lines: DropInLine[] = [];
  for (const name of [...files.keys()].toSorted()) {
    const path = files.get(name)!;
    for (const line of (host.read(path) ?? "").split("\n")) {
      const match = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line);
      if (match !== null) lines.push({ path, directive: match[1]!, value: match[2]! });
    }
  }
  return lines;
}
