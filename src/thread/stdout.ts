/**
 * Signals to stdout as NDJSON, from the supervisor. The pipe may be slow or full: what waits for it
 * is bounded, and what it cannot take is dropped and counted, never waited for.
 */
import { type Ring } from "../decision/ring.ts";
import { signalWords } from "../decision/signal.ts";
import { SignalJson, signalJsonBytesMax } from "../decision/signal-json.ts";
import { Metric } from "../telemetry/metric.ts";

const count = Metric.main;
/** Lines of one write at most. */
const linesPerChunk = 256;

/** What is needed of process.stdout. */
export interface LineStream {
  readonly writableLength: number;
  write(chunk: Uint8Array): boolean;
}

export class StdoutPump {
  readonly #ring: Ring;
  readonly #stream: LineStream;
  readonly #bytesMax: number;
  readonly #counters: Uint32Array;
  readonly #record = new Uint32Array(signalWords);
  readonly #json = new SignalJson(new Uint8Array(linesPerChunk * (signalJsonBytesMax + 1)));
  #closed = false;

  constructor(ring: Ring, stream: LineStream, bytesMax: number, counters: Uint32Array) {
    this.#ring = ring;
    this.#stream = stream;
    this.#bytesMax = bytesMax;
    this.#counters = counters;
  }

  /** The reader is gone: everything from now on is dropped and counted. */
  close(): void {
    this.#closed = true;
  }

  /** Bytes that the pipe has not taken yet. */
  get waiting(): number {
    return this.#closed ? 0 : this.#stream.writableLength;
  }

  /** Writes what has come since the last call, in chunks. Bounded by the ring's capacity. */
  pump(): void {
    for (let budget = this.#ring.capacity; budget > 0; budget -= linesPerChunk) {
      const full = this.#closed || this.#stream.writableLength > this.#bytesMax;
      let lines = 0;
      let end = 0;
      while (lines < linesPerChunk && this.#ring.shift(this.#record, 0)) {
        lines++;
        if (full) continue;
        end = this.#json.encode(this.#record, 0, end);
        this.#json.bytes[end++] = 0x0a;
      }
      if (lines === 0) return;
      this.#counters[full ? count.stdoutDropped : count.stdoutLines]! += lines;
      // The stream keeps the chunk until the pipe takes it, so it must not be the shared buffer.
      if (!full) this.#stream.write(this.#json.bytes.slice(0, end));
    }
  }
}
