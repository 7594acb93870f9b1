/**
 * sysctl.d(5) as systemd-sysctl reads it at boot: which file decides each key.
 * Files are ordered by name over all folders, the last one wins, and a name in /etc hides the same
 * name elsewhere; an explicit key beats a pattern whatever their order.
 */
import { basename, dirname, resolve } from "node:path";
import type { Host } from "./host.ts";

const folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"].map((f) => `${f}/sysctl.d`);

export interface SysctlLine {
  /** As a path below /proc/sys, so that an interface's dots cannot be mistaken: "net/ipv4/conf/eth0.1/rp_filter". */
  key: string;
  /** null for a line that only excludes a key from patterns ("-net.ipv4.conf.lo.rp_filter"). */
  value: string | null;
  path: string;
  line: number;
}

/** sysctl.d(5): where the first separator is a slash, dots are literal; else dots and slashes swap. */
export function sysctlKeyPath(key: string): string {
  const separator = /[./]/.exec(key)?.[0];
  if (separator !== ".") return key;
  return key.replace(/[./]/g, (character) => (character === "." ? "/" : "."));
}

/** The key as sysctl(8) prints it, with a slash for each dot inside a name. */
export function sysctlKeyName(path: string): string {
  return path.replace(/[./]/g, (character) => (character === "/" ? "." : "/"));
}

/** Lines of one file. `path` is carried along. */
export function parseSysctl(text: string, path: string): SysctlLine[] {
  const lines: SysctlLine[] = [];
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) return;
    const equals = line.indexOf("=");
    const left = (equals < 0 ? line : line.slice(0, equals)).trim();
    const optional = left.startsWith("-");
    if (equals < 0 && !optional) return;
    lines.push({
      key: sysctlKeyPath(optional ? left.slice(1).trim() : left),
      value: equals < 0 ? null : line.slice(equals + 1).trim(),
      path,
      line: index + 1,
    });
  });
  return lines;
}

/** Every file that is read at boot, in reading order. */
export function sysctlFiles(host: Host): string[] {
  const files = new Map<string, string>();
  for (const folder of folders.toReversed()) {
    for (const name of host.list(folder)) {
      if (name.endsWith(".conf")) files.set(name, `${folder}/${name}`);
    }
  }
  return [...files.keys()].toSorted().map((name) => files.get(name)!);
}

/** The file behind a link in sysctl.d: Debian's 99-sysctl.conf is /etc/sysctl.conf. */
function resolved(host: Host, path: string): string {
  const target = host.link(path);
  return target === null ? path : resolve(dirname(path), target);
}

export interface BootValue {
  value: string;
  /** The file that decides, behind any link. */
  path: string;
}

export class SysctlBoot {
  private readonly explicit = new Map<string, BootValue>();
  private readonly patterns: { expression: RegExp; value: BootValue }[] = [];
  private readonly excluded = new Set<string>();
  /** Every line that was read, in order. */
  readonly lines: readonly SysctlLine[];

  /** `instead`: texts that take the place of files, for asking what would be after a change. */
  constructor(host: Host, instead: ReadonlyMap<string, string | null> = new Map()) {
    const files = new Set(sysctlFiles(host));
    for (const [path, text] of instead) {
      if (text === null) files.delete(path);
      else if (folders.includes(dirname(path))) files.add(path);
    }
    const sorted = [...files].toSorted((a, b) => (basename(a) < basename(b) ? -1 : 1));
    this.lines = sorted.flatMap((file) => {
      const path = instead.has(file) ? file : resolved(host, file);
      return parseSysctl(instead.get(path) ?? host.read(path) ?? "", path);
    });
    for (const { key, value, path } of this.lines) {
      if (value === null) this.excluded.add(key);
      else if (/[*?[]/.test(key)) {
        const source = key
          .replace(/[.+^${}()|\\]/g, "\\$&")
          .replaceAll("*", "[^/]*")
          .replaceAll("?", "[^/]");
        this.patterns.push({ expression: new RegExp(`^${source}$`), value: { value, path } });
      } else this.explicit.set(key, { value, path });
    }
  }

  /** What a key (as a path below /proc/sys) is after the next boot; null where no file sets it. */
  get(key: string): BootValue | null {
    const explicit = this.explicit.get(key);
    if (explicit !== undefined) return explicit;
    if (this.excluded.has(key)) return null;
    return this.patterns.findLast(({ expression }) => expression.test(key))?.value ?? null;
  }
}
