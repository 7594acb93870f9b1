/** Of "0.33.0-rc1", say. One that is not told, or the 0.0.0 of a private build, is taken for new. */
export function isBefore(version: string, than: readonly [number, number, number]): boolean {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null || match[0].endsWith("0.0.0")) return false;
  for (let i = 0; i < 3; i++) {
    const difference = Number(match[i + 1]) - than[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
