/** Reads a replay source to its end, the way a sender does. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenOptions } from "../../src/replay/open.ts";
import { Step, type DatagramSource } from "../../src/replay/source.ts";

/** What a replay opens its file with when nothing was asked for. */
export function openOptions(changes: Partial<OpenOptions> = {}): OpenOptions {
  return { format: undefined, destinations: [], session: "REPLAY", columns: {}, ...changes };
}

export interface Sent {
  bytes: string;
  timeNs: number;
}

export interface Drained {
  datagrams: Sent[];
  error: Error | undefined;
  source: DatagramSource;
}

/** Everything a source gives until its end or its first error. */
export async function drain(source: DatagramSource): Promise<Drained> {
  const datagrams: Sent[] = [];
  try {
    for (;;) {
      const step = source.next();
      if (step === Step.end) return { datagrams, error: undefined, source };
      if (step === Step.more) await source.fill();
      else {
        const bytes = source.bytes.subarray(source.offset, source.offset + source.length);
        datagrams.push({ bytes: Buffer.from(bytes).toString("latin1"), timeNs: source.timeNs });
      }
    }
  } catch (error) {
    return { datagrams, error: error as Error, source };
  } finally {
    await source.close();
  }
}

/** A file in a folder of its own that is gone after `use`. */
export async function withFile<T>(
  bytes: Uint8Array | string,
  use: (path: string) => Promise<T>,
  name = "input",
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "hftedge-"));
  try {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
