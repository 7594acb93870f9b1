/** Numbers for people: units that suit the size, three digits for most, "-" for none. */

/** A duration given in ns. Above a hundred seconds it is minutes or hours with their remainder. */
export function duration(ns: number | null): string {
  if (ns === null || !Number.isFinite(ns)) return "-";
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return `${digits(ns / 1e3)} µs`;
  if (ns < 999_500_000) return `${digits(ns / 1e6)} ms`;
  if (ns < 99.95e9) return `${(ns / 1e9).toFixed(1)} s`;
  const seconds = Math.round(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** A whole number with its thousands apart. */
export function count(n: number): string {
  if (!Number.isFinite(n)) return "-";
  return String(Math.round(n)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** "1 error", "2,041 errors": for nouns whose plural is an s. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** A size in bytes, in powers of a thousand. */
export function byteCount(bytes: number): string {
  if (!Number.isFinite(bytes)) return "-";
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  if (bytes < 999_950) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Memory that is taken, rounded up, so that small tables do not look free. */
export function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

/** A share from 0 to 1. Never rounded up to 100 %, because one miss in a million is a miss. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "-";
  const floored = Math.floor(share * 10_000) / 100;
  return `${floored === 100 ? "100" : floored.toFixed(floored >= 99 ? 2 : 1)} %`;
}

/** A price with at least two decimals and no needless zeros behind them. */
export function decimal(price: number): string {
  if (!Number.isFinite(price)) return "-";
  const text = price.toFixed(4);
  return text.replace(/(\.\d\d\d*?)0+$/, "$1");
}

function digits(value: number): string {
  return value < 9.995
    ? value.toFixed(2)
    : value < 99.95
      ? value.toFixed(1)
      : String(Math.round(value));
}
