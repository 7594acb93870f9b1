import { expect, test } from "bun:test";
import { openSender } from "../../src/thread/sink.ts";
import { until } from "../support/until.ts";

const target = (port: number) => ({
  host: "127.0.0.1",
  port,
  encoding: "binary" as const,
  interface: null,
  heartbeatNs: 0,
});

async function receiver(port = 0) {
  const received: string[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port,
    socket: { data: (_socket, bytes) => void received.push(bytes.toString()) },
  });
  return { received, port: socket.port, close: () => socket.close() };
}

const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(16 + text.length), 16);
  bytes.set(Buffer.from(text));
  return bytes;
};

test("aDatagramArrivesAsItIsFromAViewIntoLargerMemory", async () => {
  const there = await receiver();
  const sender = await openSender(target(there.port), () => {});
  expect(sender.send(bytesOf("first"))).toBe(true);
  expect(sender.send(bytesOf("second, longer"))).toBe(true);
  await until(() => there.received.length === 2);
  expect(there.received).toEqual(["first", "second, longer"]);
  sender.close();
  there.close();
});

test("aTargetThatIsNotThereIsAnErrorAndIsServedAgainWhenItComes", async () => {
  const gone = await receiver();
  gone.close();
  let errors = 0;
  const sender = await openSender(target(gone.port), () => void errors++);
  // The refusal of one datagram is told by the socket, or by the next send.
  const send = (): void => {
    try {
      sender.send(bytesOf("x"));
    } catch {
      errors++;
    }
  };
  await until(() => {
    send();
    return errors > 0;
  });
  const there = await receiver(gone.port);
  await until(() => {
    send();
    return there.received.length > 0;
  });
  expect(there.received[0]).toBe("x");
  sender.close();
  there.close();
});

test("aClosedSenderSendsNothingAnyMore", async () => {
  const there = await receiver();
  const sender = await openSender(target(there.port), () => {});
  sender.close();
  expect(() => sender.send(bytesOf("late"))).toThrow("closed");
  there.close();
});
