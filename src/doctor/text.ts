/** Numbers as people read them, besides those of src/unit.ts: memory and disks count in binary units. */

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes in binary units: 1536 is "1.5 KiB". */
export function bytes(count: number): string {
  if (!Number.isFinite(count)) return "unlimited";
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${byteUnits[unit]}`;
}

/** "1 drop", "2 drops". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
