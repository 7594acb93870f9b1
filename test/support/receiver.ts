/** A receiver on a real loopback socket that keeps what it gets and, when asked to, acknowledges. */
import { AckCounter, ackBytes } from "../../src/feed/ack.ts";

export interface Receiver extends AsyncDisposable {
  port: number;
  datagrams: Uint8Array[];
  counter: AckCounter;
}

export async function createReceiver(acknowledges: boolean): Promise<Receiver> {
  const datagrams: Uint8Array[] = [];
  const counter = new AckCounter();
  const out = new Uint8Array(ackBytes);
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(_socket, data, port, address) {
        datagrams.push(data);
        if (counter.count(address, port) && acknowledges) acknowledge();
      },
      error() {},
    },
  });
  const acknowledge = (): void => {
    socket.send(out.subarray(0, counter.encode(out, 0)), counter.port, counter.address);
  };
  const idle = setInterval(() => {
    if (acknowledges && counter.idleDue) acknowledge();
  }, 2);
  return {
    port: socket.port,
    datagrams,
    counter,
    async [Symbol.asyncDispose]() {
      clearInterval(idle);
      socket.close();
    },
  };
}
