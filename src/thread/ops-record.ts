/** From the ring of datagrams to a bounded ring of files. Ops calls it a few dozen times a second. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { noteSource, RecordRing } from "../feed/record-ring.ts";
import { Note } from "./note.ts";
import { datagramBytesMax, PcapngWriter } from "../replay/pcapng-write.ts";
import {
  describeRun,
  descriptionPath,
  recordDirectory,
  recordingFiles,
  recordingPath,
  recordInterfaces,
  recordRingSize,
} from "./record-file.ts";
import type { RunPlan } from "./plan.ts";

const chunkBytes = 1024 * 1024;
/** Datagrams and notes in one call at most: ops has other things to do. */
const recordsAtOnce = 100_000;
/** After a failed write: how long until the next file is tried. */
const retryMs = 10_000;

export interface RecordCounts {
  datagrams: number;
  bytes: number;
  /** Datagrams that were not written because the disk refused. */
  lost: number;
  files: number;
}

export class Recording {
  readonly counts: RecordCounts = { datagrams: 0, bytes: 0, lost: 0, files: 0 };
  readonly directory: string;
  readonly #plan: RunPlan;
  readonly #run: string;
  readonly #ring: RecordRing;
  readonly #writer: PcapngWriter;
  readonly #chunk = Buffer.alloc(chunkBytes + 2 * 65_536);
  readonly #complain: (text: string) => void;
  #used = 0;
  #fd = -1;
  #fileBytes = 0;
  #index = 0;
  #retryAtMs = 0;
  #waitingDatagrams = 0;
  /** Records of the chunk, and those that were not written since the last file. */
  #waitingRecords = 0;
  #missing = 0;

  constructor(
    plan: RunPlan,
    run: string,
    memory: SharedArrayBuffer,
    complain: (text: string) => void,
  ) {
    this.#plan = plan;
    this.#run = run;
    this.directory = recordDirectory(plan.config, plan.dataDirectory);
    this.#ring = new RecordRing(memory, recordRingSize(plan.config));
    const base = BigInt(plan.baseSeconds) * 1_000_000_000n;
    this.#writer = new PcapngWriter(recordInterfaces(plan), base);
    this.#complain = complain;
    // A thread that was started again goes on behind the files of the one before.
    const own = recordingFiles(this.directory).filter((file) => file.run === run);
    this.#index = (own.at(-1)?.index ?? -1) + 1;
  }

  /** Datagrams that the feed thread found no room for. */
  get dropped(): number {
    return this.#ring.dropped;
  }

  /** Writes what has come since the last call. `nowMs` is any clock. */
  drain(nowMs: number): void {
    const writer = this.#writer;
    this.#ring.drain((record) => {
      const { source, receivedNs, bytes, at } = record;
      const isNote = source === noteSource;
      const length = isNote ? record.length : Math.min(record.length, datagramBytesMax);
      const size = isNote ? writer.noteSize(length) : writer.size(source, length);
      if (this.#used + size > chunkBytes) this.#flush(nowMs);
      const [chunk, to] = [this.#chunk, this.#used];
      if (isNote) writer.note(chunk, to, receivedNs, bytes, at, length);
      else writer.packet(chunk, to, source, receivedNs, bytes, at, length);
      this.#used += size;
      this.#waitingRecords++;
      if (!isNote) this.#waitingDatagrams++;
    }, recordsAtOnce);
    this.#flush(nowMs);
  }

  close(nowMs: number): void {
    this.drain(nowMs);
    this.#closeFile();
  }

  #flush(nowMs: number): void {
    if (this.#used === 0) return;
    const datagrams = this.#waitingDatagrams;
    const records = this.#waitingRecords;
    const bytes = this.#used;
    this.#used = 0;
    this.#waitingDatagrams = 0;
    this.#waitingRecords = 0;
    if (nowMs < this.#retryAtMs) {
      this.counts.lost += datagrams;
      this.#missing += records;
      return;
    }
    try {
      if (this.#fd < 0) this.#openFile();
      writeAll(this.#fd, this.#chunk, bytes);
      this.#fileBytes += bytes;
      this.counts.datagrams += datagrams;
      this.counts.bytes += bytes;
      if (this.#fileBytes >= this.#plan.config.record.fileBytes) this.#closeFile();
    } catch (error) {
      this.counts.lost += datagrams;
      this.#missing += records;
      this.#retryAtMs = nowMs + retryMs;
      // A file that ends inside a packet is a file that ends early: readers know that.
      this.#closeFile();
      this.#complain(
        `the recording pauses for ${retryMs / 1000} s: ${(error as Error).message}; make room on the disk of ${this.directory}, or set record.enabled = false`,
      );
    }
  }

  #openFile(): void {
    const { directory } = this;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (this.#index === 0) {
      const text = JSON.stringify(describeRun(this.#plan), null, 2);
      writeFileSync(descriptionPath(directory, this.#run), text, { mode: 0o600 });
    }
    const path = recordingPath(directory, this.#run, this.#index);
    const head = this.#writer.begin(`run ${this.#run}`);
    this.#fd = openSync(path, "wx", 0o600);
    try {
      writeAll(this.#fd, head, head.length);
    } catch (error) {
      // A file of nothing would take the place of one with datagrams when the ring is pruned.
      rmSync(path, { force: true });
      throw error;
    }
    this.#index++;
    this.#fileBytes = head.length;
    this.counts.files++;
    this.#ring.beginFile();
    if (this.#missing > 0) this.#sayMissing();
    this.#prune();
  }

  /** A replay must know that it does not have everything. */
  #sayMissing(): void {
    const note = Buffer.from(
      Uint32Array.of(Note.lost, Math.min(this.#missing, 0xffff_ffff)).buffer,
    );
    const block = Buffer.alloc(this.#writer.noteSize(note.length));
    this.#writer.note(block, 0, 0, note, 0, note.length);
    writeAll(this.#fd, block, block.length);
    this.#fileBytes += block.length;
    this.#missing = 0;
  }

  /** The oldest files go, and the description of a run with its last file. */
  #prune(): void {
    const files = recordingFiles(this.directory);
    const excess = files.splice(0, Math.max(0, files.length - this.#plan.config.record.files));
    for (const { path, run } of excess) {
      rmSync(path, { force: true });
      if (run !== this.#run && !files.some((file) => file.run === run)) {
        rmSync(descriptionPath(this.directory, run), { force: true });
      }
    }
  }

  #closeFile(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

function writeAll(fd: number, bytes: Buffer, length: number): void {
  for (let at = 0; at < length;) at += writeSync(fd, bytes, at, length - at);
}
