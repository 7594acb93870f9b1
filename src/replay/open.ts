/** Opens a file of any known format, which its first bytes tell, as a source of datagrams. */
import { EdgeError } from "../error.ts";
import type { ByteReader } from "./byte-reader.ts";
import { CaptureSource } from "./capture.ts";
import type { TickField } from "./column.ts";
import { openFile } from "./file.ts";
import { ItchFileSource, opensItch } from "./itch-file.ts";
import type { Destination } from "./packet.ts";
import { PcapReader } from "./pcap.ts";
import { PcapngReader } from "./pcapng.ts";
import type { DatagramSource } from "./source.ts";
import { TickFileSource } from "./tick-file.ts";

export const fileFormats = ["pcap", "pcapng", "itch", "ndjson", "csv"] as const;
export type FileFormat = (typeof fileFormats)[number];

export interface OpenOptions {
  /** undefined: look at the first bytes. */
  format: FileFormat | undefined;
  /** Of a capture, only what was sent to one of these; everything when empty. */
  destinations: readonly Destination[];
  /** Of an ITCH file, the session of its packets: up to six characters before the pass's number. */
  session: string;
  /** Of a CSV file, the columns that go by a name of their own. */
  columns: Readonly<Partial<Record<TickField, string>>>;
}

/** How much of a file is looked at to tell its format. */
const sniffBytes = 4096;

/** `pass` counts from 1. Throws EdgeError FILE_UNREADABLE, FILE_FORMAT or CAPTURE_BROKEN. */
export async function openSource(
  path: string,
  options: OpenOptions,
  pass: number,
): Promise<DatagramSource> {
  const file = await openFile(path);
  const { reader } = file;
  try {
    await reader.fill(sniffBytes);
    const format = options.format ?? sniff(reader);
    switch (format) {
      case "pcap":
        checkMagic(PcapReader.opens(reader.bytes, reader.start), path, format);
        return new CaptureSource(file, new PcapReader(reader), options.destinations);
      case "pcapng":
        checkMagic(PcapngReader.opens(reader.bytes, reader.start), path, format);
        return new CaptureSource(file, new PcapngReader(reader), options.destinations);
      case "itch":
        return new ItchFileSource(file, options.session, pass);
      case "ndjson":
      case "csv":
        return new TickFileSource(file, format, options.columns);
    }
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function sniff(reader: ByteReader): FileFormat {
  const { bytes, start } = reader;
  if (PcapReader.opens(bytes, start)) return "pcap";
  if (PcapngReader.opens(bytes, start)) return "pcapng";
  if (opensItch(reader)) return "itch";
  const text = new TextDecoder().decode(bytes.subarray(start, reader.end)).trimStart();
  if (text.startsWith("{")) return "ndjson";
  const [header = ""] = text.split("\n", 1);
  if (/^[\x20-\x7e\t]+\r?$/.test(header) && /[,;\t]/.test(header)) return "csv";
  const empty = reader.available === 0 && reader.atEnd("the file") === undefined;
  throw unknownFormat(
    `${reader.name}: ${empty ? "the file is empty" : "no format that can be replayed was recognised"}`,
  );
}

function checkMagic(opens: boolean, path: string, format: FileFormat): void {
  if (!opens) throw unknownFormat(`${path}: the file does not begin as ${format} does`);
}

function unknownFormat(message: string): EdgeError {
  return new EdgeError(
    "FILE_FORMAT",
    message,
    "pcap, pcapng, length-prefixed ITCH 5.0, NDJSON and CSV can be sent, each gzipped or not.",
  );
}
