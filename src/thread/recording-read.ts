/** The steps of one run's recording, in order: its datagrams and notes, with their details. */
import { readFileSync } from "node:fs";
import { type Config, configSchema } from "../config/schema.ts";
import { openFile } from "../replay/file.ts";
import { Packet, UdpExtractor } from "../replay/packet.ts";
import { PcapngReader } from "../replay/pcapng.ts";
import { noteBlock } from "../replay/pcapng-write.ts";
import { Step } from "../replay/source.ts";
import { isStep, type ReadNote } from "./note.ts";
import { descriptionPath, linesPerFeed, type RecordingFile } from "./record-file.ts";

export interface RecordedStep {
  /** What began it: a datagram, or a note. */
  head:
    | { kind: "datagram"; feed: number; line: number; receivedNs: number; bytes: Buffer }
    | { kind: "note"; note: ReadNote };
  /** What it came upon. */
  details: ReadNote[];
}

/** Packets, and the notes that other readers pass over. */
class RecordingReader extends PcapngReader {
  noteAt = -1;
  noteLength = 0;
  /** Epoch ns in two halves. */
  noteHigh = 0;
  noteLow = 0;

  protected override other(type: number, at: number, length: number): boolean {
    if (type !== noteBlock) return false;
    const bytes = this.u32(at + 16);
    if (length < 24 || bytes < 4 || bytes > length - 24) {
      throw this.reader.broken("a note leaves its block", 16);
    }
    this.noteHigh = this.u32(at + 8);
    this.noteLow = this.u32(at + 12);
    this.noteLength = bytes;
    this.noteAt = at + 20;
    return true;
  }
}

/** The run's configuration; undefined where its description is missing or cannot be understood. */
export function readDescription(directory: string, run: string): Config | undefined {
  let described: unknown;
  try {
    described = JSON.parse(readFileSync(descriptionPath(directory, run), "utf8"));
  } catch {
    return undefined;
  }
  const { config } = (described ?? {}) as { config?: unknown };
  const parsed = configSchema.safeParse(config);
  return parsed.success ? parsed.data : undefined;
}

/** `baseSeconds` is the run's. Throws EdgeError FILE_UNREADABLE or CAPTURE_BROKEN. */
export async function* readRecording(
  files: readonly RecordingFile[],
  baseSeconds: number,
): AsyncGenerator<RecordedStep> {
  const base = BigInt(baseSeconds) * 1_000_000_000n;
  let step: RecordedStep | undefined;
  for (const { path } of files) {
    const { reader } = await openFile(path);
    const packets = new RecordingReader(reader);
    const udp = new UdpExtractor([]);
    try {
      for (let found = packets.next(); found !== Step.end; found = packets.next()) {
        if (found === Step.more) {
          await reader.fill(packets.needed);
          continue;
        }
        const next = packets.noteAt < 0 ? datagramOf(packets, udp, base) : noteOf(packets, base);
        packets.noteAt = -1;
        if (next === undefined) continue;
        if (next.kind === "note" && !isStep(next.note.kind)) {
          step?.details.push(next.note);
          continue;
        }
        if (step !== undefined) yield step;
        step = { head: next, details: [] };
      }
    } finally {
      await reader.close();
    }
  }
  if (step !== undefined) yield step;
}

function datagramOf(
  packets: RecordingReader,
  udp: UdpExtractor,
  base: bigint,
): RecordedStep["head"] | undefined {
  const { reader, offset, length, linkType, interfaceIndex, timeNs } = packets;
  if (udp.extract(reader.bytes, offset, length, linkType) !== Packet.udp) return undefined;
  const from = udp.payloadOffset;
  return {
    kind: "datagram",
    feed: Math.floor(interfaceIndex / linesPerFeed),
    line: interfaceIndex % linesPerFeed,
    receivedNs: Number(packets.originNs! - base) + timeNs,
    bytes: Buffer.from(reader.bytes.subarray(from, from + udp.payloadLength)),
  };
}

function noteOf(packets: RecordingReader, base: bigint): RecordedStep["head"] {
  const { reader, noteAt, noteLength, noteHigh, noteLow } = packets;
  const bytes = Buffer.from(reader.bytes.subarray(noteAt, noteAt + noteLength));
  const epochNs = (BigInt(noteHigh) << 32n) | BigInt(noteLow);
  return {
    kind: "note",
    note: { kind: bytes.readUInt32LE(0), timeNs: Number(epochNs - base), bytes },
  };
}
