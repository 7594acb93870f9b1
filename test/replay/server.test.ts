import { beforeEach, describe, expect, test } from "bun:test";
import { Side } from "../../src/feed/event.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeDelete,
  encodeDirectory,
  encodeReplace,
  stockBytes,
} from "../../src/feed/itch50-encode.ts";
import { writeMoldUdp64Header } from "../../src/feed/moldudp64.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { soupBinNumber, SoupBinReader } from "../../src/feed/soupbintcp.ts";
import { ServerState } from "../../src/replay/server-state.ts";

const stock = stockBytes("AAPL");
let state: ServerState;
let packer: MoldUdp64Packer;

beforeEach(() => {
  state = new ServerState(8);
  packer = new MoldUdp64Packer("S", 1400);
});

type Encode = (out: Buffer, at: number) => number;

function send(sequence: number, ...messages: Encode[]): void {
  packer.begin(sequence);
  for (const encode of messages) packer.end(encode(packer.bytes, packer.at));
  state.take(packer.bytes, 0, packer.length);
}

function add(reference: number, shares = 100): Encode {
  return (out, at) => encodeAdd(out, at, 1, 5, 0, reference, Side.bid, shares, stock, 10_000);
}

function request(first: number, count: number, session = "S"): Buffer | undefined {
  const bytes = Buffer.alloc(20);
  bytes.write(session.padEnd(10), "latin1");
  writeMoldUdp64Header(bytes, first, count);
  return state.request(bytes, bytes.length);
}

/** The first sequence and the number of messages of an answer. */
function answerOf(answer: Buffer | undefined): [number, number] | undefined {
  return answer && [answer.readUInt32BE(14), answer.readUInt16BE(18)];
}

describe("retransmission requests", () => {
  test("are answered with the messages as they were sent", () => {
    send(1, add(1), add(2), add(3));
    const sent = Buffer.from(packer.bytes.subarray(20 + 38, packer.length));
    const answer = request(2, 2)!;
    expect(answerOf(answer)).toEqual([2, 2]);
    expect(answer.subarray(20)).toEqual(sent);
  });

  test("for more than a packet holds get as many as fit", () => {
    state = new ServerState(1000);
    for (let sequence = 1; sequence <= 100; sequence++) send(sequence, add(sequence));
    expect(answerOf(request(1, 100))).toEqual([1, Math.floor(1380 / 38)]);
  });

  test("for what is too old, still to come, of another session or malformed get none", () => {
    for (let sequence = 1; sequence <= 10; sequence++) send(sequence, add(sequence));
    expect(answerOf(request(3, 1))).toEqual([3, 1]);
    expect(request(2, 1)).toBeUndefined();
    expect(request(11, 1)).toBeUndefined();
    expect(request(5, 0)).toBeUndefined();
    expect(request(5, 1, "T")).toBeUndefined();
    expect(state.request(Buffer.alloc(19), 19)).toBeUndefined();
    expect(state.counts).toMatchObject({ answered: 1, unknown: 5 });
  });
});

test("a hole in the recording ends what can be asked for before it, and nothing behind it", () => {
  send(1, add(1), add(2));
  send(5, add(5), add(6));
  send(2, add(2));
  expect(state.next).toBe(7);
  expect(request(2, 1)).toBeUndefined();
  expect(request(3, 2)).toBeUndefined();
  expect(answerOf(request(5, 2))).toEqual([5, 2]);
  expect(read()).toMatchObject({ end: 7, references: [1, 2, 5, 6] });
});

test("a datagram that is no MoldUDP64 is counted and changes nothing", () => {
  send(1, add(1));
  state.take(Buffer.from("hello"), 0, 5);
  packer.begin(2);
  packer.end(add(2)(packer.bytes, packer.at));
  state.take(packer.bytes, 0, packer.length - 1);
  expect(state.next).toBe(2);
  expect(state.counts.foreign).toBe(2);
});

function read(): { types: string; end: number; shares: number[]; references: number[] } {
  const reader = new SoupBinReader();
  const bytes = state.snapshot();
  const result = { types: "", end: 0, shares: [] as number[], references: [] as number[] };
  for (let at = 0; at < bytes.length;) {
    at += reader.push(bytes, at, bytes.length);
    while (reader.next()) {
      const type = String.fromCharCode(reader.type);
      const message = reader.bytes.subarray(reader.at, reader.end);
      const inner = type === "S" ? String.fromCharCode(message[0]!) : type;
      result.types += inner;
      if (inner === "J") throw new Error("rejected");
      if (inner === "G") result.end = soupBinNumber(message, 1, 20);
      if (type !== "S" || inner !== "A") continue;
      result.shares.push(message.readUInt32BE(20));
      result.references.push(message.readUInt32BE(15));
    }
  }
  return result;
}

describe("a snapshot", () => {
  test("is the directory, the live orders as they are now, and where the feed goes on", () => {
    send(1, (out, at) => encodeDirectory(out, at, 1, 1, stock));
    send(2, add(10), add(11), add(12, 300));
    send(5, (out, at) => encodeDelete(out, at, 1, 6, 0, 10));
    send(6, (out, at) => encodeCancel(out, at, 1, 7, 0, 12, 100));
    send(7, (out, at) => encodeReplace(out, at, 1, 8, 0, 11, 0, 20, 50, 10_100));
    expect(read()).toEqual({ types: "ARAAG", end: 8, shares: [200, 50], references: [12, 20] });
  });

  test("of a new session has nothing of the one before", () => {
    send(1, add(1));
    packer.setSession("T");
    send(1, add(2));
    expect(read()).toEqual({ types: "AAG", end: 2, shares: [100], references: [2] });
  });
});
