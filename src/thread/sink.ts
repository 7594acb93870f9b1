/**
 * Where the feed thread's signals go: rings to the other threads, and datagrams. Nothing is
 * allocated per signal; what a ring or the kernel cannot take is counted.
 */
import { read } from "bun:ffi";
import { EdgeError } from "../error.ts";
import type { SignalSink } from "../decision/emitter.ts";
import type { Ring } from "../decision/ring.ts";
import { signalBytes, signalWords } from "../decision/signal.ts";
import { SignalJson, signalJsonBytesMax } from "../decision/signal-json.ts";
import { interfaceAddress } from "../feed/socket.ts";
import { openLibc } from "../host/libc.ts";
import { Metric } from "../telemetry/metric.ts";

const count = Metric.feed;
/** Binary records of one batch travel together, in datagrams that fit an Ethernet frame. */
const recordsPerDatagram = 10;

/** A destination of datagrams. */
export interface UdpTarget {
  host: string;
  port: number;
  encoding: "binary" | "json";
  interface: string | null;
  heartbeatNs: number;
}

/** Records that leave together, and their bytes. */
export class SignalBatch {
  readonly words = new Uint32Array(new ArrayBuffer(recordsPerDatagram * signalBytes));
  records = 0;
  /** views[n]: the first n records as bytes, made once. */
  readonly #views: readonly Uint8Array[] = Array.from(
    { length: recordsPerDatagram + 1 },
    (_, records) => new Uint8Array(this.words.buffer, 0, records * signalBytes),
  );

  get isFull(): boolean {
    return this.records === recordsPerDatagram;
  }

  get bytes(): Uint8Array {
    return this.#views[this.records] as Uint8Array;
  }

  add(record: Uint32Array): void {
    this.words.set(record, this.records++ * signalWords);
  }
}

/** Every sink at once, as the engine sees them. */
export class SinkFan implements SignalSink {
  #rings: readonly Ring[];
  #targets: readonly UdpSink[];
  readonly #counters: Uint32Array;
  readonly #batch = new SignalBatch();

  constructor(rings: readonly Ring[], targets: readonly UdpSink[], counters: Uint32Array) {
    this.#rings = rings;
    this.#targets = targets;
    this.#counters = counters;
  }

  /** Between two datagrams, when nothing is gathered: the old targets are closed. */
  replace(rings: readonly Ring[], targets: readonly UdpSink[]): void {
    this.flush();
    this.close();
    this.#rings = rings;
    this.#targets = targets;
  }

  take(record: Uint32Array): void {
    this.#batch.add(record);
    if (this.#batch.isFull) this.flush();
  }

  /** Datagrams leave first: nobody in this process waits for a signal as those outside do. */
  flush(): void {
    const batch = this.#batch;
    const { records, words } = batch;
    if (records === 0) return;
    for (const target of this.#targets) target.send(batch);
    for (const ring of this.#rings) {
      for (let i = 0; i < records; i++) {
        if (!ring.push(words, i * signalWords)) this.#counters[count.ringDrops]!++;
      }
    }
    batch.records = 0;
  }

  /** Sends the heartbeat to each target that has been quiet for its interval. */
  heartbeat(record: () => Uint32Array, nowNs: number): void {
    this.flush();
    for (const target of this.#targets) {
      if (target.heartbeatDue(nowNs)) target.beat(record(), nowNs);
    }
  }

  close(): void {
    for (const target of this.#targets) target.close();
  }
}

/** What became of a datagram. What was refused may be taken at the next try. */
export const Sent = { taken: 0, full: 1, refused: 2 } as const;
export type Sent = (typeof Sent)[keyof typeof Sent];

/** What a sink needs of a socket. Nothing is thrown: a target that is away refuses every other datagram. */
export interface DatagramSender {
  send(bytes: Uint8Array): Sent;
  close(): void;
}

export class UdpSink {
  readonly #sender: DatagramSender;
  readonly #counters: Uint32Array;
  readonly #binary: boolean;
  readonly #heartbeatNs: number;
  readonly #heartbeat = new SignalBatch();
  readonly #json = new SignalJson();
  readonly #jsonViews: readonly Uint8Array[];
  #sent = false;
  #quietSinceNs = 0;

  constructor(
    sender: DatagramSender,
    target: Pick<UdpTarget, "encoding" | "heartbeatNs">,
    counters: Uint32Array,
  ) {
    this.#sender = sender;
    this.#counters = counters;
    this.#binary = target.encoding === "binary";
    this.#heartbeatNs = target.heartbeatNs;
    const text = this.#json.bytes.buffer;
    this.#jsonViews = Array.from(
      { length: signalJsonBytesMax + 1 },
      (_, length) => new Uint8Array(text, 0, length),
    );
  }

  send(batch: SignalBatch): void {
    this.#sent = true;
    this.#encode(batch);
  }

  #encode({ bytes, words, records }: SignalBatch): void {
    if (this.#binary) {
      this.#send(bytes);
      return;
    }
    for (let i = 0; i < records; i++) {
      this.#send(this.#jsonViews[this.#json.encode(words, i * signalWords, 0)] as Uint8Array);
    }
  }

  heartbeatDue(nowNs: number): boolean {
    if (this.#heartbeatNs === 0) return false;
    if (this.#sent || nowNs < this.#quietSinceNs) {
      this.#sent = false;
      this.#quietSinceNs = nowNs;
    }
    return nowNs - this.#quietSinceNs >= this.#heartbeatNs;
  }

  beat(record: Uint32Array, nowNs: number): void {
    this.#quietSinceNs = nowNs;
    this.#counters[count.sinkHeartbeats]!++;
    this.#heartbeat.records = 0;
    this.#heartbeat.add(record);
    this.#encode(this.#heartbeat);
  }

  /** The error of an earlier datagram makes one healthy send fail, so it is tried once more. */
  #send(bytes: Uint8Array): void {
    for (let attempt = 0; attempt < 2; attempt++) {
      const sent = this.#sender.send(bytes);
      if (sent !== Sent.refused) {
        this.#counters[sent === Sent.taken ? count.sinkSends : count.sinkDrops]!++;
        return;
      }
      this.#counters[count.sinkErrors]!++;
    }
  }

  close(): void {
    this.#sender.close();
  }
}

const libc = openLibc({
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});
const dontWait = 0x40;
const noSignal = 0x4000;
const again = 11;
const noBuffers = 105;

/** A connected Bun.udpSocket. */
interface ConnectedSocket {
  readonly fd: number;
  readonly closed: boolean;
  send(bytes: Uint8Array): boolean;
  close(): void;
}

/**
 * The socket's datagrams by send(2) itself, a quarter of a microsecond less than through the socket,
 * which stays the owner of its descriptor; through the socket where there is no C library.
 */
function directSender(socket: ConnectedSocket): DatagramSender {
  const { fd } = socket;
  if (libc === undefined || !(fd >= 0)) return socketSender(socket);
  const { send, __errno_location: errnoLocation } = libc.symbols;
  return {
    send(bytes) {
      // Its number may be another file's by now.
      if (socket.closed) return Sent.refused;
      if (send(fd, bytes, bytes.length, dontWait | noSignal) === bytes.length) return Sent.taken;
      const location = errnoLocation();
      const error = location === null ? 0 : read.i32(location);
      return error === again || error === noBuffers ? Sent.full : Sent.refused;
    },
    close: () => socket.close(),
  };
}

function socketSender(socket: ConnectedSocket): DatagramSender {
  return {
    send(bytes) {
      try {
        return socket.send(bytes) ? Sent.taken : Sent.full;
      } catch {
        return Sent.refused;
      }
    },
    close: () => socket.close(),
  };
}

/** A connected socket to the target. */
export async function openSender(target: UdpTarget, onError: () => void): Promise<DatagramSender> {
  try {
    const socket = await Bun.udpSocket({
      connect: { hostname: target.host, port: target.port },
      socket: { error: onError },
    } as unknown as Bun.udp.ConnectSocketOptions<"buffer">);
    if (target.interface !== null) socket.setMulticastInterface(interfaceAddress(target.interface));
    return directSender(socket as unknown as ConnectedSocket);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError(
      "SINK_SOCKET",
      `signal sink udp://${target.host}:${target.port} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
      "Check [[sink]] url in the configuration.",
      error,
    );
  }
}
