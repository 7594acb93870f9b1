import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ptr } from "bun:ffi";
import { allocateHuge } from "../../src/host/huge-page.ts";

const mebibyte = 2 ** 20;

/** Flags of the mapping that holds an address, as /proc/self/smaps has them ("hg": huge pages asked). */
function mappingFlags(address: number): string[] {
  let inside = false;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (range !== null) {
      inside =
        Number.parseInt(range[1]!, 16) <= address && address < Number.parseInt(range[2]!, 16);
    } else if (inside && line.startsWith("VmFlags:")) {
      return line.slice(8).trim().split(" ");
    }
  }
  return [];
}

test("any size is given in full, zeroed and writable to its ends", () => {
  for (const bytes of [8, 4096, 4 * mebibyte, 5 * mebibyte + 8]) {
    const words = new Float64Array(allocateHuge(bytes));
    expect(words.byteLength).toBe(bytes);
    expect(words.every((word) => word === 0)).toBe(true);
    words[0] = 1;
    words[words.length - 1] = 2;
    expect(words.at(-1)).toBe(2);
  }
});

test.skipIf(process.platform !== "linux")("a large table's pages are asked for", () => {
  const memory = allocateHuge(16 * mebibyte);
  expect(mappingFlags(Number(ptr(memory)) + 8 * mebibyte)).toContain("hg");
  new Uint8Array(memory)[0] = 1;
});
