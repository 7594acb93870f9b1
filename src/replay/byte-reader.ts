/**
 * A window over a file that slides forward: parsers look at `bytes[start, end)` without waiting and
 * ask for more only when the window is too short. Memory is bounded by the largest single record.
 */
import { EdgeError } from "../error.ts";

/** Chunks of a file, in order; undefined at its end. */
export interface ChunkSource {
  read(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
  /** What cut the file short (a gzip stream without its end), or undefined. */
  readonly cut: string | undefined;
  /** Bytes of the file on disk that have been read, for the progress line. */
  readonly rawBytes: number;
}

/** No single record of any format may be larger: a length beyond it is a broken file. */
export const recordBytesMax = 16 * 1024 * 1024;

export class ByteReader {
  readonly name: string;
  bytes = new Uint8Array(1 << 18);
  start = 0;
  end = 0;
  /** Nothing more will come: what is in the window is all there is. */
  ended = false;
  #failure: unknown;
  #base = 0;
  readonly #source: ChunkSource;

  constructor(name: string, source: ChunkSource) {
    this.name = name;
    this.#source = source;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** Offset of `start` in the file as its parsers see it (after gunzip). */
  get position(): number {
    return this.#base + this.start;
  }

  get rawBytes(): number {
    return this.#source.rawBytes;
  }

  /** Reads until at least `count` bytes are in the window; false when the file ends before that. */
  async fill(count: number): Promise<boolean> {
    while (this.available < count && !this.ended) {
      try {
        const chunk = await this.#source.read();
        if (chunk === undefined) this.ended = true;
        else this.#append(chunk);
      } catch (failure) {
        // What is in the window was read well: it is used up first, then `atEnd` throws.
        this.#failure = failure;
        this.ended = true;
      }
    }
    return this.available >= count;
  }

  /**
   * To be called when the window is used up and no more will come: what cut the file short, in words,
   * or undefined for a whole file. Throws what stopped the reading.
   */
  atEnd(inside: string): string | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const { cut } = this.#source;
    if (cut !== undefined) return `${cut}, at byte ${this.position} of its content`;
    if (this.available === 0) return undefined;
    return `the file ends inside ${inside} at byte ${this.position}`;
  }

  /** True when the source ended too early, so that the last bytes are not to be trusted. */
  get cutShort(): boolean {
    return this.#source.cut !== undefined || this.#failure !== undefined;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** An error that says where in the file it happened. `at` is relative to `start`. */
  broken(message: string, at = 0): EdgeError {
    return new EdgeError(
      "CAPTURE_BROKEN",
      `${this.name}: at byte ${this.position + at}: ${message}`,
      "What came before it was sent. Fetch the file again, or name its format with --format.",
    );
  }

  #append(chunk: Uint8Array): void {
    const kept = this.available;
    if (this.end + chunk.length > this.bytes.length) {
      let size = this.bytes.length;
      while (size < kept + chunk.length) size *= 2;
      const target = size === this.bytes.length ? this.bytes : new Uint8Array(size);
      target.set(this.bytes.subarray(this.start, this.end));
      this.bytes = target;
      this.#base += this.start;
      this.start = 0;
      this.end = kept;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }
}
