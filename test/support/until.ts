/** Waits until `condition` holds, looking again every millisecond; throws after `limitMs`. */
export async function until(condition: () => boolean, limitMs = 5_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await Bun.sleep(1);
  }
}
