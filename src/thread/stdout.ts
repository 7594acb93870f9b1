/**
 * Signals to stdout as NDJSON, from the supervisor. The pipe may be slow or full: what waits for it
 * is one bounded buffer, and what finds that full is dropped and counted. A write is made only when
 * the kernel says that it will not block, because a supervisor that waits for a reader of signals
 * could not stop the run.
 */
import { writeSync } from "node:fs";
import type { Ring } from "../decision/ring.ts";
import { signalWords } from "../decision/signal.ts";
import { SignalJson, signalJsonBytesMax } from "../decision/signal-json.ts";
import { isWritable } from "../host/libc.ts";
import { Metric } from "../telemetry/metric.ts";

const count = Metric.main;
/** What a pipe takes whole once it is writable at all (PIPE_BUF). */
const writeBytes = 4096;
const newline = 0x0a;
const lineBytesMax = signalJsonBytesMax + 1;

export interface LineOutput {
  /** Whether `write` would go through at once. */
  isReady(): boolean;
  /** Bytes taken; throws when the reader is gone. */
  write(bytes: Uint8Array, from: number, length: number): number;
}

export function standardOutput(): LineOutput {
  return {
    isReady: () => isWritable(1),
    write: (bytes, from, length) => writeSync(1, bytes, from, length),
  };
}

export class StdoutPump {
  readonly #ring: Ring;
  readonly #output: LineOutput;
  readonly #counters: Uint32Array;
  readonly #record = new Uint32Array(signalWords);
  readonly #json: SignalJson;
  readonly #bytesMax: number;
  /** Unwritten bytes are `[#from, #to)` of the buffer. */
  #from = 0;
  #to = 0;
  #closed = false;

  constructor(ring: Ring, output: LineOutput, bytesMax: number, counters: Uint32Array) {
    this.#ring = ring;
    this.#output = output;
    this.#counters = counters;
    this.#bytesMax = bytesMax;
    this.#json = new SignalJson(new Uint8Array(bytesMax + lineBytesMax));
  }

  /** Bytes that the pipe has not taken yet. */
  get waiting(): number {
    return this.#to - this.#from;
  }

  /** Takes what has come since the last call, and writes what the pipe takes now. */
  pump(): void {
    for (let budget = this.#ring.capacity; budget > 0; budget--) {
      if (!this.#ring.shift(this.#record, 0)) break;
      if (this.#closed || this.#to > this.#bytesMax) {
        this.#write();
        this.#compact();
      }
      if (this.#closed || this.#to > this.#bytesMax) {
        this.#counters[count.stdoutDropped]!++;
        continue;
      }
      const end = this.#json.encode(this.#record, 0, this.#to);
      this.#json.bytes[end] = newline;
      this.#to = end + 1;
    }
    this.#write();
    this.#compact();
  }

  #write(): void {
    const { bytes } = this.#json;
    while (this.#from < this.#to && !this.#closed && this.#output.isReady()) {
      const length = Math.min(writeBytes, this.#to - this.#from);
      let taken: number;
      try {
        taken = this.#output.write(bytes, this.#from, length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
        this.#close();
        return;
      }
      this.#counters[count.stdoutLines]! += this.#lineEnds(this.#from, this.#from + taken);
      this.#from += taken;
      if (taken < length) return;
    }
  }

  /** Moves what is unwritten to the front, when it is little enough to be worth it. */
  #compact(): void {
    if (this.#from === 0 || this.waiting > this.#bytesMax / 2) return;
    this.#json.bytes.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
  }

  #lineEnds(from: number, to: number): number {
    const { bytes } = this.#json;
    let ends = 0;
    for (let at = bytes.indexOf(newline, from); at >= 0 && at < to;) {
      ends++;
      at = bytes.indexOf(newline, at + 1);
    }
    return ends;
  }

  /** The reader is gone: everything from now on is dropped and counted. */
  #close(): void {
    this.#closed = true;
    this.#counters[count.stdoutDropped]! += this.#lineEnds(this.#from, this.#to);
    this.#from = 0;
    this.#to = 0;
  }

  /** The run is over: what the pipe has not taken is dropped and counted. */
  finish(): void {
    if (!this.#closed) this.#close();
  }
}
