/** `nvidia-smi --query-gpu=... --format=csv,noheader,nounits`: one GPU a line. */
import { clockReasonColumns, parseSmiRows, smiNumber, smiSwitch } from "../host/nvidia-smi.ts";

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

/** The queries of newer and of older drivers; fields in the order in which they are parsed. */
export const queries: readonly (readonly string[])[] = clockReasonColumns.map((column) => [
  ...common,
  column,
]);

/** Memory is told in MiB. */
function memoryBytes(cell: string | undefined): number | undefined {
  const mebibytes = smiNumber(cell);
  return mebibytes === undefined ? undefined : mebibytes * 2 ** 20;
}

export function parseNvidiaSmi(text: string): NvidiaGpu[] {
  const gpus: NvidiaGpu[] = [];
  for (const cells of parseSmiRows(text)) {
    if (cells.length <= common.length || !/^(GPU|MIG)-/.test(cells[0]!)) continue;
    gpus.push({
      uuid: cells[0]!,
      name: cells[1]!,
      driver: cells[2]!,
      persistence: smiSwitch(cells[3]),
      powerState: cells[4]!,
      utilisationPercent: smiNumber(cells[5]),
      usedBytes: memoryBytes(cells[6]),
      totalBytes: memoryBytes(cells[7]),
      temperatureC: smiNumber(cells[8]),
      smMhz: smiNumber(cells[9]),
      smMaxMhz: smiNumber(cells[10]),
      powerW: smiNumber(cells[11]),
      powerLimitW: smiNumber(cells[12]),
      reasons: smiNumber(cells[13]),
    });
  }
  return gpus;
}
