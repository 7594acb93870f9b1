/**
 * Waits until `condition` holds, looking again every millisecond; throws after `limitMs`, which only
 * ends a test that fails: it is far above what a busy machine needs.
 */
export async function until(condition: () => boolean, limitMs = 30_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await Bun.sleep(1);
  }
}
