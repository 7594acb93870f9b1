import { decodeAck } from "../../src/feed/ack.ts";

export interface TestSender {
  send(bytes: string | Uint8Array): boolean;
  /** Datagrams that the receiver, a feed with ack=true, says it has read. */
  readonly acknowledged: number;
  close(): void;
}

/** A connected UDP socket to a port on this machine; errors of an absent receiver are ignored. */
export async function openTestSender(port: number): Promise<TestSender> {
  let acknowledged = 0;
  const socket = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port },
    socket: {
      error: () => {},
      data: (_socket: unknown, bytes: Buffer) => {
        acknowledged = Math.max(acknowledged, decodeAck(bytes, 0, bytes.length));
      },
    },
  } as unknown as Bun.udp.ConnectSocketOptions<"buffer">);
  const send = socket.send.bind(socket) as unknown as (bytes: string | Uint8Array) => boolean;
  return {
    send(bytes) {
      try {
        return send(bytes);
      } catch {
        return false;
      }
    },
    get acknowledged() {
      return acknowledged;
    },
    close: () => socket.close(),
  };
}
