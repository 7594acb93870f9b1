/**
 * Touches every page of a table that was allocated and never written: the kernel gives memory out at
 * its first use, and the first use of a page must not be a datagram's.
 */
const pageBytes = 4096;

/** Of memory that no other thread writes yet: a byte is read and written back. */
export function touchBuffer(buffer: ArrayBufferLike): void {
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < bytes.length; at += pageBytes) bytes[at] = bytes[at]! | 0;
}

/** Every typed array that the object holds in fields of its own, at any depth. Returns the bytes. */
export function touchTables(root: object): number {
  const buffers = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    // Memory that is shared has been touched before there was anybody to share it with.
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer) buffers.add(value.buffer);
    } else for (const child of Object.values(value)) visit(child);
  };
  visit(root);
  let bytes = 0;
  for (const buffer of buffers) {
    touchBuffer(buffer);
    bytes += buffer.byteLength;
  }
  return bytes;
}
