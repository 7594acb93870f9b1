/** One UDP line to a receiver: a socket, what it sends, and what comes back to it. */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { EdgeError } from "../error.ts";
import { decodeAck } from "../feed/ack.ts";

export interface LineTarget {
  host: string;
  port: number;
  /** Name or IPv4 address of the interface to send multicast from, or null for the system's choice. */
  interface: string | null;
  /** Time to live of multicast, or null for the system's choice (1: this network only). */
  ttl: number | null;
}

export interface LineCounts {
  datagrams: number;
  bytes: number;
  /** ICMP said that nobody listens there. */
  refused: number;
  /** Sends that failed twice in a row. */
  failed: number;
}

/** Datagrams that wait for room in the socket's send buffer; beyond it they count as failed. */
const backlogMax = 4096;

/** What a sender needs of a line; tests put a recorder in its place. */
export interface Line {
  readonly counts: LineCounts;
  readonly name: string;
  /** True while the socket takes nothing: what is sent is queued, up to a bound. */
  readonly blocked: boolean;
  send(bytes: Uint8Array, offset: number, length: number): void;
  close(): void;
}

export class UdpLine implements Line {
  readonly counts: LineCounts = { datagrams: 0, bytes: 0, refused: 0, failed: 0 };
  readonly name: string;
  readonly #address: string;
  readonly #port: number;
  #socket: Bun.udp.Socket<"buffer"> | undefined;
  #backlog: Uint8Array[] = [];
  #lastFault: string | undefined;

  private constructor(target: LineTarget, address: string) {
    this.name = `udp://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
    this.#address = address;
    this.#port = target.port;
  }

  /** `onAck` is told each acknowledged count. Throws EdgeError HOST_UNKNOWN, INTERFACE_UNKNOWN or SOCKET. */
  static async open(target: LineTarget, onAck: (count: number) => void): Promise<UdpLine> {
    const address = await resolve(target.host);
    const line = new UdpLine(target, address);
    try {
      line.#socket = await Bun.udpSocket({
        hostname: address.includes(":") ? "::" : "0.0.0.0",
        port: 0,
        socket: {
          data: (_socket, data) => {
            const count = decodeAck(data, 0, data.length);
            if (count >= 0) onAck(count);
          },
          drain: () => line.#drain(),
          error: (...given: unknown[]) => line.#fault(given.find((g) => g instanceof Error)),
        },
      });
      if (target.ttl !== null) line.#socket.setMulticastTTL(target.ttl);
      if (target.interface !== null) {
        line.#socket.setMulticastInterface(interfaceAddress(target.interface));
      }
      return line;
    } catch (cause) {
      line.close();
      if (cause instanceof EdgeError) throw cause;
      throw new EdgeError(
        "SOCKET",
        `cannot send to ${line.name}: ${cause instanceof Error ? cause.message : String(cause)}`,
        "Check the address and the interface.",
        cause,
      );
    }
  }

  get blocked(): boolean {
    return this.#backlog.length > 0;
  }

  /** Why the last failed send failed, in the system's words. */
  get lastFault(): string | undefined {
    return this.#lastFault;
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    const datagram = bytes.subarray(offset, offset + length);
    if (this.#backlog.length > 0 || !this.#try(datagram)) this.#queue(datagram);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** False when the socket has no room now. */
  #try(datagram: Uint8Array): boolean {
    for (let attempt = 0; ; attempt++) {
      try {
        if (this.#socket?.send(datagram, this.#port, this.#address) === false) return false;
        this.counts.datagrams += 1;
        this.counts.bytes += datagram.length;
        return true;
      } catch (error) {
        // The ICMP error of an earlier datagram is reported by whichever call comes next, so a
        // healthy send may throw once for another's fault. The error handler is told of it as well.
        this.#lastFault = error instanceof Error ? error.message : String(error);
        if (attempt === 0) continue;
        this.counts.failed += 1;
        return true;
      }
    }
  }

  #queue(datagram: Uint8Array): void {
    if (this.#backlog.length < backlogMax) this.#backlog.push(new Uint8Array(datagram));
    else this.counts.failed += 1;
  }

  #drain(): void {
    let sent = 0;
    while (sent < this.#backlog.length && this.#try(this.#backlog[sent] as Uint8Array)) sent += 1;
    this.#backlog = this.#backlog.slice(sent);
  }

  #fault(error: Error | undefined): void {
    this.counts.refused += 1;
    this.#lastFault = error?.message ?? "the datagram was refused";
  }
}

async function resolve(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new EdgeError(
      "HOST_UNKNOWN",
      `cannot find the host ${host}`,
      "Check the name, or give an IP address.",
      cause,
    );
  }
}

/** Multicast is sent from an address, so a name is looked up among the machine's interfaces. */
function interfaceAddress(name: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return name;
  const interfaces = networkInterfaces();
  const address = interfaces[name]?.find((i) => i.family === "IPv4")?.address;
  if (address !== undefined) return address;
  throw new EdgeError(
    "INTERFACE_UNKNOWN",
    `there is no interface ${name} with an IPv4 address`,
    `The interfaces are ${Object.keys(interfaces).join(", ")}.`,
  );
}
