/**
 * Cells of `nvidia-smi --query-...=... --format=csv,noheader,nounits`. Its output has no promise, and
 * a card lacks what another has: a cell is a value or undefined ("[N/A]", "[Not Supported]").
 */

/** Rows of trimmed cells; lines that are no table are left out. */
export function parseSmiRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.includes(","))
    .map((line) => line.split(",").map((cell) => cell.trim()));
}

/** A decimal or hexadecimal (0x…) number. */
export function smiNumber(cell: string | undefined): number | undefined {
  if (cell === undefined || !/^-?(\d|0x)/i.test(cell)) return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

/** "Enabled" or "Disabled". */
export function smiSwitch(cell: string | undefined): boolean | undefined {
  if (/^enabled$/i.test(cell ?? "")) return true;
  return /^disabled$/i.test(cell ?? "") ? false : undefined;
}

/** The column's name since driver 535 and before; either driver refuses the whole query for the other. */
export const clockReasonColumns = [
  "clocks_event_reasons.active",
  "clocks_throttle_reasons.active",
] as const;
