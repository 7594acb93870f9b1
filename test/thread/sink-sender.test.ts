import { expect, test } from "bun:test";
import { signalWords } from "../../src/decision/signal.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { openSender, Sent, SignalBatch, UdpSink } from "../../src/thread/sink.ts";
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
  expect(sender.send(bytesOf("first"))).toBe(Sent.taken);
  expect(sender.send(bytesOf("second, longer"))).toBe(Sent.taken);
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
    if (sender.send(bytesOf("x")) === Sent.refused) errors++;
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
  expect(sender.send(bytesOf("late"))).toBe(Sent.refused);
  there.close();
});

/** A sink whose socket answers as told, and what it has counted. */
function sinkOf(answers: Sent[]) {
  const counters = new Uint32Array(4096);
  let sends = 0;
  const sender = { send: () => answers[sends++] ?? Sent.taken, close() {} };
  const sink = new UdpSink(sender, { encoding: "json", heartbeatNs: 0 }, counters);
  const batch = new SignalBatch();
  batch.add(new Uint32Array(signalWords));
  const { sinkSends, sinkDrops, sinkErrors } = Metric.feed;
  return {
    take: () => sink.send(batch),
    counted: () => [sinkSends, sinkDrops, sinkErrors].map((at) => counters[at]),
    sends: () => sends,
  };
}

test("whatTheErrorOfAnEarlierDatagramRefusedIsSentAgainAtOnce", () => {
  const { take, counted } = sinkOf([Sent.refused, Sent.taken]);
  take();
  expect(counted()).toEqual([1, 0, 1]);
});

test("whatIsRefusedTwiceIsLeftAndTheNextOneGoes", () => {
  const { take, counted, sends } = sinkOf([Sent.refused, Sent.refused]);
  take();
  take();
  expect(counted()).toEqual([1, 0, 2]);
  expect(sends()).toBe(3);
});

test("whatTheKernelHasNoRoomForIsDroppedAndCountedNotTriedAgain", () => {
  const { take, counted, sends } = sinkOf([Sent.full]);
  take();
  expect(counted()).toEqual([0, 1, 0]);
  expect(sends()).toBe(1);
});
