/**
 * NVIDIA GPUs, always by UUID: through NVML where its library is there (a stable ABI), else through
 * nvidia-smi (no promise about its output, so a column that is missing is null and never a failure).
 */
import type { Host } from "./host.ts";
import { clockReasonColumns, parseSmiRows, smiNumber, smiSwitch } from "./nvidia-smi.ts";
import { openNvml } from "./nvml.ts";

export interface Gpu {
  uuid: string;
  name: string;
  driver: string;
  persistence: boolean | null;
  /** "P0" … "P15". */
  pstate: string | null;
  smClockMhz: number | null;
  memoryClockMhz: number | null;
  smClockMaxMhz: number | null;
  powerLimitW: number | null;
  powerDefaultW: number | null;
  powerMaxW: number | null;
  temperatureC: number | null;
  /** Why the clock is what it is: bits, as clock-reason.ts has them. */
  eventReasons: number | null;
  /** "Enabled" means that the clocks are shared by its instances. */
  mig: boolean | null;
}

export interface GpuControl {
  readonly backend: "nvml" | "nvidia-smi";
  list(): Gpu[];
  /** Supported clocks in MHz, highest first; graphics clocks are those at the highest memory clock. */
  supportedClocks(uuid: string): { graphics: number[]; memory: number[] };
  /** Each returns null, or the driver's refusal in words. */
  setPersistence(uuid: string, on: boolean): string | null;
  /** null lets the driver choose again. */
  lockGraphicsClock(uuid: string, mhz: number | null): string | null;
  lockMemoryClock(uuid: string, mhz: number | null): string | null;
  setPowerLimit(uuid: string, watts: number): string | null;
  close(): void;
}

/** A way to the GPUs, or null where there is no NVIDIA driver. In a root only nvidia-smi is tried. */
export function openGpus(host: Host): GpuControl | null {
  if (host.root === "") {
    const nvml = openNvml();
    if (nvml !== null) return nvml;
  }
  const smi = new NvidiaSmi(host);
  return smi.list().length > 0 ? smi : null;
}

const columns = [
  "uuid",
  "name",
  "driver_version",
  "persistence_mode",
  "pstate",
  "clocks.sm",
  "clocks.mem",
  "clocks.max.sm",
  "power.limit",
  "power.default_limit",
  "power.max_limit",
  "temperature.gpu",
  "mig.mode.current",
] as const;

function number(cell: string | undefined): number | null {
  return smiNumber(cell) ?? null;
}

export function parseGpus(text: string): Gpu[] {
  return parseSmiRows(text)
    .filter((row) => row[0]?.startsWith("GPU-"))
    .map((row) => ({
      uuid: row[0]!,
      name: row[1] ?? "",
      driver: row[2] ?? "",
      persistence: smiSwitch(row[3]) ?? null,
      pstate: /^P\d+$/.test(row[4] ?? "") ? row[4]! : null,
      smClockMhz: number(row[5]),
      memoryClockMhz: number(row[6]),
      smClockMaxMhz: number(row[7]),
      powerLimitW: number(row[8]),
      powerDefaultW: number(row[9]),
      powerMaxW: number(row[10]),
      temperatureC: number(row[11]),
      eventReasons: null,
      mig: smiSwitch(row[12]) ?? null,
    }));
}

class NvidiaSmi implements GpuControl {
  readonly backend = "nvidia-smi";
  private readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  private query(what: string, uuid?: string): string {
    const filter = uuid === undefined ? [] : ["-i", uuid];
    const result = this.host.run(["nvidia-smi", ...filter, what, "--format=csv,noheader,nounits"]);
    return result.code === 0 ? result.stdout : "";
  }

  list(): Gpu[] {
    return parseGpus(this.query(`--query-gpu=${columns.join(",")}`)).map((gpu) => ({
      ...gpu,
      eventReasons: this.events(gpu.uuid),
    }));
  }

  /** A column that the driver does not know fails the whole query, hence apart. */
  private events(uuid: string): number | null {
    for (const column of clockReasonColumns) {
      const bits = smiNumber(this.query(`--query-gpu=${column}`, uuid).trim());
      if (bits !== undefined) return bits;
    }
    return null;
  }

  supportedClocks(uuid: string): { graphics: number[]; memory: number[] } {
    const pairs = parseSmiRows(this.query("--query-supported-clocks=gr,mem", uuid))
      .map((row) => ({ graphics: number(row[0]), memory: number(row[1]) }))
      .filter((pair) => pair.graphics !== null && pair.memory !== null) as {
      graphics: number;
      memory: number;
    }[];
    const memory = [...new Set(pairs.map((p) => p.memory))].toSorted((a, b) => b - a);
    const graphics = pairs.filter((p) => p.memory === memory[0]).map((p) => p.graphics);
    return { graphics: [...new Set(graphics)].toSorted((a, b) => b - a), memory };
  }

  private change(uuid: string, ...argument: string[]): string | null {
    const result = this.host.run(["nvidia-smi", "-i", uuid, ...argument]);
    // nvidia-smi ends with 0 after some refusals, so its words count too.
    const refused = /not supported|insufficient permissions|invalid|unable/i.test(result.stdout);
    if (result.code === 0 && !refused) return null;
    return (result.stderr.trim() || result.stdout.trim() || `exit ${result.code}`).slice(0, 300);
  }

  setPersistence(uuid: string, on: boolean): string | null {
    return this.change(uuid, "-pm", on ? "1" : "0");
  }
  lockGraphicsClock(uuid: string, mhz: number | null): string | null {
    return mhz === null
      ? this.change(uuid, "-rgc")
      : this.change(uuid, `--lock-gpu-clocks=${mhz},${mhz}`);
  }
  lockMemoryClock(uuid: string, mhz: number | null): string | null {
    return mhz === null
      ? this.change(uuid, "-rmc")
      : this.change(uuid, `--lock-memory-clocks=${mhz},${mhz}`);
  }
  setPowerLimit(uuid: string, watts: number): string | null {
    return this.change(uuid, "-pl", String(watts));
  }
  close(): void {
    // nvidia-smi keeps nothing open.
  }
}
