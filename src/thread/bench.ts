/** A thread of the bench: the floor, which sends back what it gets, or the sender of ticks. */
import { adoptSocket, PollSlots } from "../feed/receive-poll.ts";
import { realtimeNs, setSocketOption, SocketLevel, SocketOption } from "../host/libc.ts";
import { runLoad } from "./bench-load.ts";
import type { BenchOrder, BenchReply } from "./bench-message.ts";

declare const self: Worker;

const receiveBufferBytes = 32 * 1024 * 1024;
const slotsAtOnce = 32;
const baseSeconds = Math.floor(Date.now() / 1000);

let answers = -1;
let slots: PollSlots | undefined;

self.addEventListener("message", ({ data }: MessageEvent<BenchOrder>) => {
  take(data).then(post, (error: unknown) => {
    post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});

function post(reply: BenchReply): void {
  self.postMessage(reply);
}

function now(): number {
  return realtimeNs(baseSeconds);
}

async function take(order: BenchOrder): Promise<BenchReply> {
  if (order.kind === "echo") return { kind: "open", port: await openEcho(order.answerPort) };
  if (order.kind === "open") return { kind: "open", port: await openAnswers() };
  if (slots === undefined) throw new Error("the sender has no socket for answers yet");
  return { kind: "result", result: await runLoad(order.job, { answers, slots, now }) };
}

/** What Bun alone costs: no parsing, no book, no decision. */
async function openEcho(answerPort: number): Promise<number> {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(receiver, bytes) {
        receiver.send(bytes, answerPort, "127.0.0.1");
      },
      error() {},
    },
  });
  enlarge((socket as unknown as { fd: number }).fd);
  return socket.port;
}

async function openAnswers(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { error() {} } });
  const { port } = socket;
  answers = adoptSocket((socket as unknown as { fd: number }).fd);
  socket.close();
  enlarge(answers);
  slots = new PollSlots(slotsAtOnce, baseSeconds);
  return port;
}

/** As root, past the system's limit; otherwise as far as that goes. */
function enlarge(fd: number): void {
  const { receiveBuffer, receiveBufferForce } = SocketOption;
  if (setSocketOption(fd, SocketLevel.socket, receiveBufferForce, receiveBufferBytes) === 0) return;
  setSocketOption(fd, SocketLevel.socket, receiveBuffer, receiveBufferBytes);
}
