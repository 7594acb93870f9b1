/** Memory for a large table, all zeros, aligned to a cache line where it is large. */
export type Allocate = (bytes: number) => ArrayBuffer;

/** From the engine, as it comes. */
export function onHeap(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}
