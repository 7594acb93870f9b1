/** What guides leave behind and what harms: flagged always, removed only with --remove-leftovers. */
import type { Host } from "../../host/host.ts";
import { SysctlBoot, sysctlKeyName } from "../../host/sysctl.ts";
import type { Leftover, Setting } from "../setting.ts";

const mark = "# removed by hftedge tune: ";

/** Comments out the lines that match. */
export function commentOut(
  text: string,
  matches: (line: string, index: number) => boolean,
): string {
  return text
    .split("\n")
    .map((line, index) =>
      !line.trim().startsWith("#") && matches(line, index) ? mark + line : line,
    )
    .join("\n");
}

function inFile(host: Host, path: string, pattern: RegExp): Leftover[] {
  const found = (host.read(path) ?? "")
    .split("\n")
    .filter((line) => !line.trim().startsWith("#") && pattern.test(line))
    .map((line) => line.trim());
  if (found.length === 0) return [];
  const mend = (text: string): string => commentOut(text, (line) => pattern.test(line));
  return [{ path, found: [...new Set(found)].join("; "), mend }];
}

interface HarmfulKey {
  key: string;
  harmful: (value: number) => boolean;
  /** The kernel's default, which a mended live value gets. */
  otherwise: string;
}

/** Files that set a key to a harmful value at boot, and the live key itself. */
function harmfulKey(host: Host, { key, harmful, otherwise }: HarmfulKey): Leftover[] {
  const live = host.read(`/proc/sys/${key}`)?.trim() ?? null;
  const found: Leftover[] = [];
  if (live !== null && live !== "" && harmful(Number(live))) {
    found.push({ path: `/proc/sys/${key}`, found: live, mend: () => otherwise });
  }
  const lines = new SysctlBoot(host).lines.filter(
    (line) => line.key === key && line.value !== null && harmful(Number(line.value)),
  );
  for (const path of new Set(lines.map((line) => line.path))) {
    const numbers = new Set(lines.filter((l) => l.path === path).map((l) => l.line));
    const mend = (text: string): string =>
      commentOut(text, (_line, index) => numbers.has(index + 1));
    const value = lines.findLast((line) => line.path === path)!.value;
    found.push({ path, found: `${sysctlKeyName(key)} = ${value}`, mend });
  }
  return found;
}

/** A key set more than once in one file: what appending guides leave after their second run. */
function duplicates(host: Host): Leftover[] {
  const counts = new Map<string, number>();
  for (const { path, key, value } of new SysctlBoot(host).lines) {
    if (value === null) continue;
    const name = `${path}\n${sysctlKeyName(key)}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([name, count]) => {
      const [path, key] = name.split("\n") as [string, string];
      return { path, found: `${key} is set ${count} times; the last one counts`, mend: null };
    });
}

const harmfulKeys: readonly (HarmfulKey & { id: string; title: string; why: string })[] = [
  ...["tcp_timestamps", "tcp_sack", "tcp_window_scaling"].map((name) => ({
    id: name,
    key: `net/ipv4/${name}`,
    title: `${name} switched off`,
    why: "TCP sessions (order entry, the model) lose recovery or their window; UDP gains nothing",
    harmful: (value: number) => value === 0,
    otherwise: "1",
  })),
  {
    id: "rmem_default",
    key: "net/core/rmem_default",
    title: "default receive buffer shrunk",
    why: "every UDP socket that does not ask for more drops earlier",
    harmful: (value) => value < 212_992,
    otherwise: "212992",
  },
  {
    id: "sched_rt_runtime_us",
    key: "kernel/sched_rt_runtime_us",
    title: "real-time tasks without a limit",
    why: "a busy-polling real-time task can hang the machine",
    harmful: (value) => value === -1,
    otherwise: "950000",
  },
];

const grubVariables =
  /^\s*(?:export\s+)?(?:isolated_cores|isolcpus|nohz_full|rcu_nocbs|irqaffinity)\s*=/;

export const leftoverSettings: readonly Setting[] = [
  ...harmfulKeys.map((key): Setting => ({
    id: `leftover.${key.id}`,
    area: "leftover",
    title: key.title,
    why: key.why,
    source: "kernel documentation, networking/ip-sysctl.rst and admin-guide/sysctl",
    verdict: "audit",
    answer: "flagged; put right with --remove-leftovers",
    scope: "host",
    risk: "low",
    effect: "none",
    knob: { kind: "leftover", look: (host) => harmfulKey(host, key) },
  })),
  {
    id: "leftover.grub-variable",
    area: "leftover",
    title: "dead variables in /etc/default/grub",
    why: "nothing reads them: no CPU is isolated, although the file says so",
    source: "GRUB manual, Simple configuration",
    guide: "isolated_cores=…, nohz_full=… as lines in /etc/default/grub",
    verdict: "audit",
    answer: "flagged; commented out with --remove-leftovers",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: { kind: "leftover", look: (host) => inFile(host, "/etc/default/grub", grubVariables) },
  },
  {
    id: "leftover.sysctl-duplicate",
    area: "leftover",
    title: "keys set more than once in one file",
    why: "the trace of a script that appended itself twice; nobody knows which value was meant",
    source: "sysctl.d(5)",
    verdict: "audit",
    answer: "flagged; a person has to choose",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: { kind: "leftover", look: duplicates },
  },
  {
    id: "leftover.nvidia-module",
    area: "leftover",
    title: "module parameters that NVIDIA's driver does not have",
    why: "the module ignores them, with a line in the kernel's log",
    source: "modinfo nvidia",
    guide: "options nvidia NVreg_EnableGpuScheduling=1",
    verdict: "audit",
    answer: "flagged; commented out with --remove-leftovers",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: {
      kind: "leftover",
      look: (host) =>
        host
          .glob("/etc/modprobe.d/*.conf")
          .flatMap((path) => inFile(host, path, /NVreg_EnableGpuScheduling/)),
    },
  },
  {
    id: "leftover.cuda-visible-devices",
    area: "leftover",
    title: "CUDA_VISIBLE_DEVICES exported for shells",
    why: "the Ollama service never sees it, and people believe that it does",
    source: "systemd.exec(5), Environment",
    guide: "export CUDA_VISIBLE_DEVICES=0",
    verdict: "audit",
    answer: "flagged; it may serve another program, so a person has to choose",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: {
      kind: "leftover",
      look: (host) =>
        ["/etc/environment", "/etc/profile", ...host.glob("/etc/profile.d/*.sh")]
          .flatMap((path) => inFile(host, path, /\bCUDA_VISIBLE_DEVICES\s*=/))
          .map((leftover) => ({ ...leftover, mend: null })),
    },
  },
  {
    id: "leftover.nohz_full",
    area: "leftover",
    title: "nohz_full on the running kernel's command line",
    why: "it makes system calls dearer on those CPUs",
    source: "kernel documentation, timers/no_hz.rst",
    verdict: "audit",
    answer: "flagged; it may serve a native spinning thread, so a person has to choose",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: {
      kind: "leftover",
      look: (_host, machine) =>
        machine.kernelArguments
          .filter((argument) => argument.startsWith("nohz_full="))
          .map((found) => ({ path: "/proc/cmdline", found, mend: null })),
    },
  },
];
