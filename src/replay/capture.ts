/** A pcap or pcapng file as a source of datagrams: the UDP payloads inside its packets. */
import { EdgeError } from "../error.ts";
import type { OpenFile } from "./file.ts";
import { linkTypes, Packet, UdpExtractor, type Destination } from "./packet.ts";
import type { PacketReader } from "./packet-reader.ts";
import { Step, type DatagramSource } from "./source.ts";

export class CaptureSource implements DatagramSource {
  readonly #packets: PacketReader;
  readonly #file: OpenFile;
  readonly #udp: UdpExtractor;
  /** Packets by what became of them, indexed by Packet. */
  readonly #seen = [0, 0, 0, 0, 0, 0, 0];
  #linkTypeSeen = -1;

  constructor(file: OpenFile, packets: PacketReader, wanted: readonly Destination[]) {
    this.#file = file;
    this.#packets = packets;
    this.#udp = new UdpExtractor(wanted);
  }

  get bytes(): Uint8Array {
    return this.#packets.reader.bytes;
  }

  get offset(): number {
    return this.#udp.payloadOffset;
  }

  get length(): number {
    return this.#udp.payloadLength;
  }

  get timeNs(): number {
    return this.#packets.timeNs;
  }

  get originMs(): number {
    return this.#packets.originMs;
  }

  get cut(): string | undefined {
    return this.#packets.cut;
  }

  next(): Step {
    const packets = this.#packets;
    for (;;) {
      const step = packets.next();
      if (step !== Step.datagram) return step;
      if (packets.linkType !== this.#linkTypeSeen) this.#checkLinkType(packets.linkType);
      const { bytes } = packets.reader;
      const found = this.#udp.extract(bytes, packets.offset, packets.length, packets.linkType);
      this.#seen[found] = (this.#seen[found] as number) + 1;
      if (found === Packet.udp) return Step.datagram;
    }
  }

  async fill(): Promise<void> {
    await this.#packets.reader.fill(this.#packets.needed);
  }

  counts(): Record<string, number> {
    const seen = (packet: Packet): number => this.#seen[packet] as number;
    return {
      packets: this.#seen.reduce((sum, n) => sum + n, 0),
      udp: seen(Packet.udp),
      otherDestination: seen(Packet.filtered),
      notUdp: seen(Packet.notUdp),
      notIp: seen(Packet.notIp),
      fragments: seen(Packet.fragment),
      cutBySnapLength: seen(Packet.cut),
      badHeader: seen(Packet.badHeader),
    };
  }

  progress(): number {
    return this.#file.sizeBytes > 0
      ? this.#file.reader.rawBytes / this.#file.sizeBytes
      : Number.NaN;
  }

  close(): Promise<void> {
    return this.#file.reader.close();
  }

  #checkLinkType(linkType: number): void {
    if (!linkTypes.has(linkType)) {
      throw new EdgeError(
        "CAPTURE_LINK_TYPE",
        `${this.#file.reader.name}: link type ${linkType} is not one that carries IP here`,
        "Ethernet, raw IP, Linux cooked and loopback captures can be sent; convert it with editcap -T.",
      );
    }
    this.#linkTypeSeen = linkType;
  }
}
