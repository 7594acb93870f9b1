/** Ticks as text, one a line, become one JSON datagram each: NDJSON as it stands, CSV by its header. */
import type { OpenFile } from "./file.ts";
import { mapColumns, type ColumnMap, type TickField } from "./column.ts";
import { Step, type DatagramSource } from "./source.ts";
import { csvTick, delimiterOf, ndjsonTickNs, splitCsv, type Delimiter } from "./tick-line.ts";

/** A longer line is no tick, and would not fit a datagram that anyone reads. */
export const lineBytesMax = 8192;

const byteOrderMarkBytes = 3;

type TickEncoding = "ndjson" | "csv";

export class TickFileSource implements DatagramSource {
  bytes: Uint8Array = new Uint8Array(lineBytesMax * 2);
  offset = 0;
  length = 0;
  timeNs = 0;
  originMs = Number.NaN;
  cut: string | undefined;
  readonly #file: OpenFile;
  readonly #csv: boolean;
  readonly #given: Readonly<Partial<Record<TickField, string>>>;
  readonly #encoder = new TextEncoder();
  readonly #out = new Uint8Array(lineBytesMax * 2);
  #columns: ColumnMap | undefined;
  #delimiter: Delimiter = ",";
  #line = 0;
  #ticks = 0;
  #blank = 0;
  #needed = 0;
  #originNs = Number.NaN;

  constructor(
    file: OpenFile,
    encoding: TickEncoding,
    columns: Readonly<Partial<Record<TickField, string>>>,
  ) {
    this.#file = file;
    this.#csv = encoding === "csv";
    this.#given = columns;
  }

  next(): Step {
    const { reader } = this.#file;
    for (;;) {
      const newline = reader.bytes.subarray(0, reader.end).indexOf(0x0a, reader.start);
      let end = newline;
      if (newline < 0 || newline - reader.start > lineBytesMax) {
        if (reader.available > lineBytesMax)
          throw reader.broken(`line ${this.#line + 1} is too long`);
        if (!reader.ended) {
          this.#needed = reader.available + 1;
          return Step.more;
        }
        // A last line without its newline is whole in an ordinary file, but not behind a cut.
        if (reader.available === 0 || reader.cutShort) return this.#end();
        end = reader.end;
      }
      const start = reader.start;
      this.#line += 1;
      try {
        if (this.#take(start, end)) return Step.datagram;
      } catch (error) {
        if (newline >= 0 || this.#ticks === 0) throw error;
        return this.#end();
      } finally {
        if (this.cut === undefined) reader.start = newline < 0 ? end : newline + 1;
      }
    }
  }

  async fill(): Promise<void> {
    await this.#file.reader.fill(this.#needed);
  }

  counts(): Record<string, number> {
    return { lines: this.#line, ticks: this.#ticks, blank: this.#blank };
  }

  progress(): number {
    const { reader, sizeBytes } = this.#file;
    return sizeBytes > 0 ? reader.rawBytes / sizeBytes : Number.NaN;
  }

  close(): Promise<void> {
    return this.#file.reader.close();
  }

  #end(): Step {
    this.cut = this.#file.reader.atEnd(`line ${this.#line}`);
    return Step.end;
  }

  /** True when the line is a tick, which is the present datagram then. */
  #take(start: number, end: number): boolean {
    const { reader } = this.#file;
    const text = decoder.decode(reader.bytes.subarray(start, end)).trim();
    if (text === "") {
      this.#blank += 1;
      return false;
    }
    if (!this.#csv) {
      const from = start + (reader.bytes[start] === 0xef ? byteOrderMarkBytes : 0);
      this.bytes = reader.bytes;
      this.offset = from;
      this.length = end - from - (reader.bytes[end - 1] === 0x0d ? 1 : 0);
      this.#at(ndjsonTickNs(text, this.#where));
      return true;
    }
    if (this.#columns === undefined) {
      this.#delimiter = delimiterOf(text);
      const header = splitCsv(text, this.#delimiter);
      this.#columns = mapColumns(reader.name, header, this.#given);
      return false;
    }
    const { json, timeNs } = csvTick(splitCsv(text, this.#delimiter), this.#columns, this.#where);
    this.bytes = this.#out;
    this.offset = 0;
    const { read, written } = this.#encoder.encodeInto(json, this.#out);
    if (read < json.length) throw reader.broken(`line ${this.#line} is too long`);
    this.length = written;
    this.#at(timeNs);
    return true;
  }

  readonly #where = (): string => `${this.#file.reader.name}: line ${this.#line}`;

  #at(ns: number): void {
    if (Number.isNaN(this.#originNs)) {
      this.#originNs = ns;
      this.originMs = Math.floor(ns / 1e6);
    }
    // Epoch nanoseconds in a double are 256 ns apart, so the distance is good to a microsecond.
    this.timeNs = Math.round((ns - this.#originNs) / 1e3) * 1e3;
    this.#ticks += 1;
  }
}

/** Drops a byte order mark, which spreadsheets write, and turns broken UTF-8 into U+FFFD. */
const decoder = new TextDecoder();
