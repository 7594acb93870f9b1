/** What systemd says about a service: read apart from parsed. */

export interface ServiceState {
  /** A unit file is known: "loaded", "not-found", "masked", "bad-setting". */
  load: string;
  /** "active", "inactive", "failed", "activating", "deactivating". */
  active: string;
  /** "running", "dead", "auto-restart", ... */
  sub: string;
  /** Started at boot: "enabled", "disabled", ... */
  enabled: string;
  /** Null while nothing runs. */
  pid: number | null;
  restarts: number;
  /** Resident memory of its control group in bytes, or null where it is not counted. */
  memoryBytes: number | null;
  /** What the service says about itself (sd_notify). */
  status: string;
  /** "success", "exit-code", "watchdog", ... of the last end. */
  result: string;
  /** As systemd writes it; empty while it has never run. */
  since: string;
}

const properties = [
  "LoadState",
  "ActiveState",
  "SubState",
  "UnitFileState",
  "MainPID",
  "NRestarts",
  "MemoryCurrent",
  "StatusText",
  "Result",
  "ActiveEnterTimestamp",
];

/** Arguments of systemctl whose answer `parseServiceState` reads. */
export function showArguments(unit: string): string[] {
  return ["show", unit, `--property=${properties.join(",")}`, "--no-pager"];
}

export function parseServiceState(text: string): ServiceState {
  const values = new Map(
    text.split("\n").flatMap((line) => {
      const sign = line.indexOf("=");
      return sign < 0 ? [] : [[line.slice(0, sign), line.slice(sign + 1)] as const];
    }),
  );
  const value = (name: string): string => values.get(name) ?? "";
  const pid = Number(value("MainPID"));
  // 2^64-1 and "[not set]" both mean that memory is not counted.
  const memory = /^\d{1,15}$/.test(value("MemoryCurrent")) ? Number(value("MemoryCurrent")) : null;
  return {
    load: value("LoadState") || "unknown",
    active: value("ActiveState") || "unknown",
    sub: value("SubState"),
    enabled: value("UnitFileState") || "disabled",
    pid: pid > 0 ? pid : null,
    restarts: Number(value("NRestarts")) || 0,
    memoryBytes: memory,
    status: value("StatusText"),
    result: value("Result"),
    since: value("ActiveEnterTimestamp"),
  };
}

/** Exit codes of init scripts (LSB): 0 runs, 1 failed, 3 stopped, 4 not installed. */
export function stateExitCode({ load, active }: ServiceState): number {
  if (load !== "loaded") return 4;
  if (active === "active" || active === "activating" || active === "reloading") return 0;
  return active === "failed" ? 1 : 3;
}
