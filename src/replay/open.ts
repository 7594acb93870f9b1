/** Opens a file of any known format, which its first bytes tell, as a source of datagrams. */
import { EdgeError } from "../error.ts";
import { CaptureSource } from "./capture.ts";
import { openFile } from "./file.ts";
import type { Destination } from "./packet.ts";
import { PcapReader } from "./pcap.ts";
import { PcapngReader } from "./pcapng.ts";
import type { DatagramSource } from "./source.ts";

export interface OpenOptions {
  /** Of a capture, only what was sent to one of these; everything when empty. */
  destinations: readonly Destination[];
}

/** Throws EdgeError FILE_UNREADABLE, FILE_FORMAT or CAPTURE_BROKEN. */
export async function openSource(path: string, options: OpenOptions): Promise<DatagramSource> {
  const file = await openFile(path);
  const { reader } = file;
  await reader.fill(4096);
  if (PcapReader.opens(reader.bytes, reader.start)) {
    return new CaptureSource(file, new PcapReader(reader), options.destinations);
  }
  if (PcapngReader.opens(reader.bytes, reader.start)) {
    return new CaptureSource(file, new PcapngReader(reader), options.destinations);
  }
  await reader.close();
  const empty = reader.available === 0 && reader.atEnd("") === undefined;
  throw new EdgeError(
    "FILE_FORMAT",
    `${path}: ${empty ? "the file is empty" : "no format that can be replayed was recognised"}`,
    "pcap, pcapng, length-prefixed ITCH 5.0, NDJSON and CSV can be sent, each gzipped or not.",
  );
}
