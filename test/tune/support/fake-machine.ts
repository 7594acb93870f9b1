/**
 * A directory that behaves like a machine: files that answer as the kernel's do, and commands that
 * keep their state in the directory, so that a second process finds what the first one left.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { formatCpuMask, parseCpuMask } from "../../../src/host/cpu-mask.ts";
import { type CommandResult, Host } from "../../../src/host/host.ts";
import { answer, mutates } from "./fake-command.ts";

/** What the directory's commands remember, and how its kernel misbehaves. */
export interface FakeState {
  /** interface → group → key → value; "fixed" and "n/a" are said as ethtool says them. */
  ethtool: Record<string, Record<string, Record<string, string>>>;
  /** "interface:group:key" → the driver's words. */
  ethtoolRefuses: Record<string, string>;
  /** "interface:group:key": the driver says yes and changes nothing. */
  ethtoolIgnores: string[];
  /** Writing the pause frames that are sent switches on those that are obeyed. */
  pauseFlips: boolean;
  units: Record<string, { enabled: string; active: string; pid: number }>;
  gpus: {
    uuid: string;
    persistence: boolean;
    powerLimitW: number;
    lock: string;
    smClock: number;
  }[];
  gpuRefuses: string[];
  grubby: Record<string, string> | null;
  /** path → largest number that the kernel accepts. */
  clamps: Record<string, number>;
  /** path → errno name. */
  refuses: Record<string, string>;
  pendingIrqs: number[];
  virtualisation: string;
  addresses: Record<string, string>;
}

const statePath = "/fake/state.json";

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export class FakeMachine extends Host {
  readonly commands: string[] = [];
  /** Called after each change with its number, counted from 1. */
  onMutation: (count: number, what: string) => void = () => {};
  mutations = 0;
  fakeUid = 0;
  fakeArch = "x64";
  timeMs = 1_700_000_000_000;
  monotonicNs = 5e9;

  override get uid(): number {
    return this.fakeUid;
  }
  override get arch(): string {
    return this.fakeArch;
  }
  override nowMs(): number {
    return this.timeMs;
  }
  override nowNs(): number {
    return this.monotonicNs;
  }

  get state(): FakeState {
    return JSON.parse(readFileSync(this.path(statePath), "utf8")) as FakeState;
  }

  /** Changes what the commands remember. */
  alter(change: (state: FakeState) => void): void {
    const { state } = this;
    change(state);
    writeFileSync(this.path(statePath), JSON.stringify(state, null, 1));
  }

  /** Sets a file by hand, as another administrator would. */
  put(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  private mutated(what: string): void {
    this.onMutation(++this.mutations, what);
  }

  override writeValue(path: string, value: string): void {
    const { state } = this;
    const refused = state.refuses[path];
    if (refused !== undefined) throw systemError(refused, path);
    const before = this.read(path);
    if (before === null) throw systemError("ENOENT", path);
    if (this.isOverridden(path, value)) throw systemError("EBUSY", path);
    super.writeValue(path, this.accepted(path, value, before, state));
    if (/\/vm\/dirty_(?:background_)?(?:bytes|ratio)$/.test(path)) {
      const partner = path.endsWith("bytes")
        ? path.replace(/bytes$/, "ratio")
        : path.replace(/ratio$/, "bytes");
      super.writeValue(partner, "0");
    }
    if (path.endsWith("/rp_filter")) this.spread(path, value);
    const irq = /^\/proc\/irq\/(\d+)\/smp_affinity_list$/.exec(path);
    if (irq !== null && !state.pendingIrqs.includes(Number(irq[1]))) {
      super.writeValue(path.replace("smp_", "effective_"), value.split(/[,-]/)[0]!);
    }
    this.mutated(`write ${path}`);
  }

  /** intel_pstate and amd_pstate refuse any other preference while the governor overrides it. */
  private isOverridden(path: string, value: string): boolean {
    if (!path.endsWith("/energy_performance_preference") || value === "performance") return false;
    return this.read(join(dirname(path), "scaling_governor")) === "performance\n";
  }

  /** `default` goes to every interface that was never written by itself. */
  private spread(path: string, value: string): void {
    const memory = this.path("/fake/written");
    const known = existsSync(memory) ? readFileSync(memory, "utf8").split("\n") : [];
    if (!path.endsWith("/default/rp_filter")) {
      writeFileSync(memory, [...new Set([...known, path])].join("\n"));
      return;
    }
    for (const other of this.glob("/proc/sys/net/ipv4/conf/*/rp_filter")) {
      if (!known.includes(other) && !/\/(?:all|default)\//.test(other))
        super.writeValue(other, value);
    }
  }

  /** What the kernel makes of a value. */
  private accepted(path: string, value: string, before: string, state: FakeState): string {
    if (before.includes("[")) {
      const words = before.replace(/[[\]\n]/g, "").split(" ");
      if (!words.includes(value)) throw systemError("EINVAL", path);
      return words.map((word) => (word === value ? `[${word}]` : word)).join(" ");
    }
    if (/dirty_(?:background_)?bytes$/.test(path) && Number(value) < 8192) {
      throw systemError("EINVAL", path);
    }
    if (/(?:cpumask|_cpus|smp_affinity)$/.test(path)) {
      const width = before.trim().length;
      return formatCpuMask(parseCpuMask(value)).padStart(width, "0");
    }
    const max = state.clamps[path];
    return max !== undefined && Number(value) > max ? String(max) : value;
  }

  override replaceFile(...args: Parameters<Host["replaceFile"]>): void {
    super.replaceFile(...args);
    this.mutated(`replace ${args[0]}`);
  }
  override append(path: string, text: string): void {
    super.append(path, text);
    this.mutated(`append ${path}`);
  }
  override lock(path: string, text: string): (() => void) | null {
    const release = super.lock(path, text);
    if (release === null) return null;
    this.mutated(`create ${path}`);
    return () => {
      release();
      this.mutated(`remove ${path}`);
    };
  }
  override remove(path: string): void {
    super.remove(path);
    this.mutated(`remove ${path}`);
  }
  override makeDirectory(path: string): string[] {
    const made = super.makeDirectory(path);
    if (made.length > 0) this.mutated(`mkdir ${path}`);
    return made;
  }
  override removeDirectory(path: string): boolean {
    const gone = super.removeDirectory(path);
    if (gone) this.mutated(`rmdir ${path}`);
    return gone;
  }

  override run(argv: readonly string[]): CommandResult {
    const { state } = this;
    const result = answer(argv, state, this);
    if (!mutates(argv)) return result;
    this.commands.push(argv.join(" "));
    this.alter((old) => Object.assign(old, state));
    this.mutated(argv.join(" "));
    return result;
  }

  /** Loopback is not the directory's. */
  ollamaModels: string | null = null;
  override fetchText(url: string): Promise<string | null> {
    return Promise.resolve(basename(url) === "ps" ? this.ollamaModels : null);
  }

  file(path: string): string {
    return join(this.root, path);
  }
}
