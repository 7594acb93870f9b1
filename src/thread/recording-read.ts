/** The datagrams of one run's recording, in order, with their feed, line and receive time. */
import { openFile } from "../replay/file.ts";
import { Packet, UdpExtractor } from "../replay/packet.ts";
import { PcapngReader } from "../replay/pcapng.ts";
import { Step } from "../replay/source.ts";
import { linesPerFeed, type RecordingFile } from "./record-file.ts";

export interface RecordingPacket {
  feed: number;
  line: number;
  /** ns since the run's base. */
  receivedNs: number;
  /** A copy. */
  bytes: Buffer;
}

/** `baseSeconds` is the run's. Throws EdgeError FILE_UNREADABLE or CAPTURE_BROKEN. */
export async function* readRecording(
  files: readonly RecordingFile[],
  baseSeconds: number,
): AsyncGenerator<RecordingPacket> {
  const base = BigInt(baseSeconds) * 1_000_000_000n;
  for (const { path } of files) {
    const { reader } = await openFile(path);
    const packets = new PcapngReader(reader);
    const udp = new UdpExtractor([]);
    try {
      for (let step = packets.next(); step !== Step.end; step = packets.next()) {
        if (step === Step.more) {
          await reader.fill(packets.needed);
          continue;
        }
        const { offset, length, linkType, interfaceIndex, timeNs } = packets;
        if (udp.extract(reader.bytes, offset, length, linkType) !== Packet.udp) continue;
        const from = udp.payloadOffset;
        yield {
          feed: Math.floor(interfaceIndex / linesPerFeed),
          line: interfaceIndex % linesPerFeed,
          receivedNs: Number(packets.originNs! - base) + timeNs,
          bytes: Buffer.from(reader.bytes.slice(from, from + udp.payloadLength)),
        };
      }
    } finally {
      await reader.close();
    }
  }
}
