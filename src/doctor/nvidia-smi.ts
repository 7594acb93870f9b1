/** `nvidia-smi --query-gpu=... --format=csv,noheader,nounits`: one GPU a line. */

export interface NvidiaGpu {
  /** The only name of a GPU that stays the same over reboots. */
  uuid: string;
  name: string;
  driver: string;
  persistence: boolean | undefined;
  /** P0 (fastest) to P12. */
  powerState: string;
  utilisationPercent: number | undefined;
  usedBytes: number | undefined;
  totalBytes: number | undefined;
  temperatureC: number | undefined;
  smMhz: number | undefined;
  smMaxMhz: number | undefined;
  powerW: number | undefined;
  powerLimitW: number | undefined;
  /** Bits of nvmlClocksEventReasons; undefined where the driver does not tell. */
  reasons: number | undefined;
}

const common = [
  "uuid",
  "name",
  "driver_version",
  "persistence_mode",
  "pstate",
  "utilization.gpu",
  "memory.used",
  "memory.total",
  "temperature.gpu",
  "clocks.sm",
  "clocks.max.sm",
  "power.draw",
  "power.limit",
];

/** Fields in the order in which they are parsed. */
export const query = [...common, "clocks_event_reasons.active"] as const;
/** Drivers before 535 know the last field by its old name and refuse the whole query for the new one. */
export const legacyQuery = [...common, "clocks_throttle_reasons.active"] as const;

/** "[N/A]", "[Not Supported]" and the like are undefined. */
function number(word: string | undefined): number | undefined {
  if (word === undefined || !/^-?(\d|0x)/i.test(word)) return undefined;
  const value = Number(word);
  return Number.isFinite(value) ? value : undefined;
}

export function parseNvidiaSmi(text: string): NvidiaGpu[] {
  const gpus: NvidiaGpu[] = [];
  for (const line of text.split("\n")) {
    const words = line.split(",").map((word) => word.trim());
    if (words.length < query.length || !/^(GPU|MIG)-/.test(words[0]!)) continue;
    const mebibytes = (word: string | undefined): number | undefined => {
      const value = number(word);
      return value === undefined ? undefined : value * 2 ** 20;
    };
    const mode = words[3]!;
    gpus.push({
      uuid: words[0]!,
      name: words[1]!,
      driver: words[2]!,
      persistence: /^(en|dis)abled$/i.test(mode) ? /^enabled$/i.test(mode) : undefined,
      powerState: words[4]!,
      utilisationPercent: number(words[5]),
      usedBytes: mebibytes(words[6]),
      totalBytes: mebibytes(words[7]),
      temperatureC: number(words[8]),
      smMhz: number(words[9]),
      smMaxMhz: number(words[10]),
      powerW: number(words[11]),
      powerLimitW: number(words[12]),
      reasons: number(words[13]),
    });
  }
  return gpus;
}

export interface ClockReason {
  bit: number;
  name: string;
  words: string;
  /** The hardware protects itself. */
  hard: boolean;
}

/** nvml.h, nvmlClocksEventReasons*. Idleness (0x1) and a clock that was asked for (0x2) hold nothing back. */
const reasonTable: readonly ClockReason[] = [
  { bit: 0x4, name: "sw-power-cap", words: "the power limit", hard: false },
  { bit: 0x8, name: "hw-slowdown", words: "a hardware slowdown", hard: true },
  { bit: 0x10, name: "sync-boost", words: "another GPU of its boost group", hard: false },
  { bit: 0x20, name: "sw-thermal", words: "the driver's thermal limit", hard: false },
  { bit: 0x40, name: "hw-thermal", words: "the hardware's thermal limit", hard: true },
  {
    bit: 0x80,
    name: "hw-power-brake",
    words: "the power brake (supply or redundancy)",
    hard: true,
  },
  { bit: 0x100, name: "display", words: "the display's clock", hard: false },
];

export function blockingReasons(reasons: number | undefined): ClockReason[] {
  return reasonTable.filter(({ bit }) => ((reasons ?? 0) & bit) !== 0);
}
