/** Opens a capture: chunks of a file, unzipped on the way when its first bytes say gzip. */
import { open, type FileHandle } from "node:fs/promises";
import { createGunzip, type Gunzip } from "node:zlib";
import { EdgeError } from "../error.ts";
import { ByteReader, type ChunkSource } from "./byte-reader.ts";

const chunkBytes = 1 << 18;
/** Deflate grows by a factor of 1,032 at most, so one piece never becomes more than 17 MB. */
const gunzipPieceBytes = 1 << 14;

export interface OpenFile {
  reader: ByteReader;
  /** Size on disk, or 0 when it is unknown (a pipe): then it cannot be looped either. */
  sizeBytes: number;
}

/** Opens `path` for streaming. Throws EdgeError FILE_UNREADABLE. */
export async function openFile(path: string): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new Error("it is a directory");
    const raw = new HandleSource(path, handle);
    const first = await raw.peek();
    const zipped = first !== undefined && first[0] === 0x1f && first[1] === 0x8b;
    const source = zipped ? new GunzipSource(path, raw) : raw;
    return { reader: new ByteReader(path, source), sizeBytes: stat.isFile() ? stat.size : 0 };
  } catch (cause) {
    await handle?.close();
    throw cause instanceof EdgeError ? cause : unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): EdgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError(
    "FILE_UNREADABLE",
    `cannot read ${path}: ${reason}`,
    "Check the path and its permissions.",
    cause,
  );
}

class HandleSource implements ChunkSource {
  readonly cut = undefined;
  rawBytes = 0;
  readonly #path: string;
  readonly #handle: FileHandle;
  #peeked: Uint8Array | undefined;
  #closed = false;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** The first chunk, which the next `read` gives again. */
  async peek(): Promise<Uint8Array | undefined> {
    this.#peeked = await this.read();
    return this.#peeked;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#peeked !== undefined) {
      const chunk = this.#peeked;
      this.#peeked = undefined;
      return chunk;
    }
    try {
      const chunk = new Uint8Array(chunkBytes);
      const { bytesRead } = await this.#handle.read(chunk, 0, chunkBytes, null);
      this.rawBytes += bytesRead;
      return bytesRead === 0 ? undefined : chunk.subarray(0, bytesRead);
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }

  async close(): Promise<void> {
    if (!this.#closed) await this.#handle.close();
    this.#closed = true;
  }
}

class GunzipSource implements ChunkSource {
  cut: string | undefined;
  readonly #path: string;
  readonly #raw: HandleSource;
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: 1 << 16 });
  readonly #ready: Uint8Array[] = [];
  #pending: Uint8Array = new Uint8Array(0);
  #done = false;
  #error: (Error & { code?: string }) | undefined;
  #settle: () => void = () => {};

  constructor(path: string, raw: HandleSource) {
    this.#path = path;
    this.#raw = raw;
    this.#gunzip.on("data", (chunk: Uint8Array) => this.#ready.push(chunk));
    this.#gunzip.on("end", () => this.#settle());
    this.#gunzip.on("error", (error: Error) => {
      this.#error = error;
      this.#settle();
    });
  }

  get rawBytes(): number {
    return this.#raw.rawBytes - this.#pending.length;
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#ready.length === 0 && !this.#done) await this.#step();
    const chunk = this.#ready.shift();
    if (chunk !== undefined || this.#error === undefined || this.cut !== undefined) return chunk;
    throw new EdgeError(
      "CAPTURE_BROKEN",
      `${this.#path}: the gzip stream is damaged near byte ${this.rawBytes} of the file: ${this.#error.message}`,
      "What came before it was sent. Fetch the file again; `gzip -t` checks it.",
      this.#error,
    );
  }

  async close(): Promise<void> {
    this.#gunzip.destroy();
    await this.#raw.close();
  }

  /** One piece through the decompressor, so that what waits in `#ready` stays bounded. */
  async #step(): Promise<void> {
    if (this.#pending.length === 0) this.#pending = (await this.#raw.read()) ?? this.#pending;
    const piece = this.#pending.subarray(0, gunzipPieceBytes);
    this.#pending = this.#pending.subarray(piece.length);
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      if (piece.length === 0) this.#gunzip.end();
      else this.#gunzip.write(piece, () => resolve());
    });
    if (piece.length === 0 || this.#error !== undefined) this.#done = true;
    if (this.#error?.code === "Z_BUF_ERROR") this.cut = "the gzip stream ends too early";
  }
}
