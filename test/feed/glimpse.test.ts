import { beforeEach, describe, expect, test } from "bun:test";
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { Side } from "../../src/feed/event.ts";
import { GapEnd } from "../../src/feed/gap.ts";
import { GlimpseClient, GlimpseFault } from "../../src/feed/glimpse.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import { encodeAdd, encodeDirectory, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64 } from "../../src/feed/moldudp64.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import {
  soupBinAccepted,
  soupBinNumber,
  soupBinPacket,
  SoupBinReader,
} from "../../src/feed/soupbintcp.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { EventLog } from "./event-log.ts";

const ms = 1_000_000;
const second = 1_000 * ms;
const stock = stockBytes("AAPL");
const none = new Uint8Array(0);

const recovery: RecoveryOptions = {
  lines: 1,
  holdNs: 1 * ms,
  holdDatagrams: 100,
  reorderDatagrams: 64,
  reorderBytes: 1400,
  requests: 0,
  requestTimeoutNs: 0,
  requestMessages: 0,
  requestGapMessages: 0,
  giveUpNs: 10 * ms,
  gapRecords: 16,
};

let log: EventLog;
let decoder: MoldUdp64;
let packer: MoldUdp64Packer;
let client: GlimpseClient;

beforeEach(() => {
  log = new EventLog();
  const counters = new Uint32Array(feedCountSize);
  const itch = new Itch50(log, counters);
  decoder = new MoldUdp64(itch, counters, 1e6, recovery, false, () => log.clear(-1));
  packer = new MoldUdp64Packer("S", 1400);
  client = new GlimpseClient(
    {
      username: "trader",
      password: "secret",
      timeoutNs: 60 * second,
      attempts: 3,
      retryNs: second,
    },
    decoder.arbiter,
    itch,
    0,
  );
});

/** The feed brings one order whose reference is its sequence. */
function feed(sequence: number, nowNs: number): number {
  packer.begin(sequence);
  const { bytes, at } = packer;
  packer.end(encodeAdd(bytes, at, 1, sequence, 0, sequence, Side.bid, 100, stock, 10_000));
  return decoder.decode(bytes, packer.length, 0, nowNs);
}

function data(encode: (out: Buffer) => number): Buffer {
  const out = Buffer.alloc(64);
  return soupBinPacket("S", out.subarray(0, encode(out)));
}

const directory = data((out) => encodeDirectory(out, 0, 1, 1, stock));
const order = (ref: number): Buffer =>
  data((out) => encodeAdd(out, 0, 1, 1, 7, ref, Side.ask, 100, stock, 10_000));
const end = (next: number | string): Buffer =>
  soupBinPacket("S", Buffer.from(`G${String(next).padStart(20)}`, "latin1"));

function receive(nowNs: number, ...packets: Buffer[]): number {
  const bytes = Buffer.concat(packets);
  return client.receive(bytes, bytes.length, nowNs);
}

/** An add that breaks off. */
const short = soupBinPacket("S", Buffer.from("A".padEnd(20, "\0")));

/** References of the orders added since the books were last forgotten. */
function orders(): unknown[] {
  const from = log.events.findLastIndex(([name]) => name === "clear");
  return log.events.slice(from + 1).map((event) => event[3]);
}

describe("GLIMPSE", () => {
  test("healsAJoinInMidSession", () => {
    expect(client.wants(0)).toBe(false);
    expect(feed(50, 0)).toBe(Verdict.applied | Verdict.joined | Verdict.broken);
    expect(client.wants(1)).toBe(true);
    client.open(1);
    expect(client.takeOutput()?.toString("latin1")).toBe(
      `\u0000\u002fLtradersecret    ${" ".repeat(10)}${"1".padStart(20)}`,
    );
    expect(feed(51, 2)).toBe(Verdict.held | Verdict.broken);
    expect(feed(52, 3)).toBe(Verdict.held | Verdict.broken);
    expect(receive(4, soupBinAccepted("G", 1), directory, order(1), order(2))).toBe(0);
    expect(receive(5, order(3), end(52))).toBe(
      Verdict.applied | Verdict.recovered | Verdict.cleared,
    );
    expect(orders()).toEqual([1, 2, 3, 52]);
    expect(client.connected).toBe(false);
    expect(client.takeOutput()?.toString("latin1")).toBe("\u0000\u0001O");
    expect(client.wants(6)).toBe(false);
    expect(feed(53, 7)).toBe(Verdict.applied);
    expect(decoder.arbiter.gaps.read(0)).toMatchObject({ from: 1, to: 52, end: GapEnd.snapshot });
  });

  test("healsAGapThatWasGivenUp", () => {
    feed(1, 0);
    feed(3, 1);
    expect(decoder.poll(20 * ms) & Verdict.broken).toBe(Verdict.broken);
    expect(client.wants(20 * ms)).toBe(true);
    client.open(20 * ms);
    feed(4, 21 * ms);
    expect(receive(22 * ms, directory, order(9), end(4))).toBe(
      Verdict.applied | Verdict.recovered | Verdict.cleared,
    );
    expect(orders()).toEqual([9, 4]);
  });

  test("anyCutOfTheStreamGivesTheSame", () => {
    const stream = Buffer.concat([soupBinAccepted("G", 1), directory, order(1), order(2), end(52)]);
    for (let cut = 1; cut < stream.length; cut++) {
      feed(50, 0);
      client.open(1);
      let verdict = 0;
      for (let at = 0; at < stream.length; at += cut) {
        const chunk = stream.subarray(at, at + cut);
        verdict |= client.receive(chunk, chunk.length, 2);
      }
      expect(verdict & Verdict.recovered).toBe(Verdict.recovered);
      expect(orders()).toEqual([1, 2]);
      packer.setSession(`S${cut}`);
    }
  });

  test("heartbeatsEverySecondAndHangsUpOnSilence", () => {
    feed(50, 0);
    client.open(0);
    client.takeOutput();
    expect(client.poll(second - 1)).toBe(0);
    expect(client.takeOutput()).toBeUndefined();
    client.poll(second);
    expect(client.takeOutput()?.toString("latin1")).toBe("\u0000\u0001R");
    receive(10 * second, soupBinPacket("H", none));
    expect(client.poll(24 * second)).toBe(0);
    expect(client.poll(25 * second) & Verdict.broken).toBe(Verdict.broken);
    expect(client.connected).toBe(false);
    expect(client.fault).toBe(GlimpseFault.silent);
  });

  test("triesAgainWithBackOffAndNotForEver", () => {
    feed(50, 0);
    client.open(0);
    receive(1, soupBinPacket("J", Buffer.from("A")));
    expect(client.fault).toBe(GlimpseFault.rejected);
    expect(client.wants(second - 1)).toBe(false);
    expect(client.wants(second)).toBe(true);
    client.refused(second);
    expect(client.wants(3 * second - 1)).toBe(false);
    expect(client.wants(3 * second)).toBe(true);
    client.open(3 * second);
    client.closed(3 * second);
    expect(client.fault).toBe(GlimpseFault.ended);
    expect(client.wants(1_000 * second)).toBe(false);
  });

  test("brokenOffLeavesTheFeedGoingOnBroken", () => {
    feed(50, 0);
    client.open(0);
    feed(51, 1);
    receive(1, directory, order(1));
    const verdict = client.closed(2);
    expect(verdict & (Verdict.gap | Verdict.broken)).toBe(Verdict.gap | Verdict.broken);
    expect(feed(52, 3)).toBe(Verdict.applied);
  });

  test("malformedSnapshotIsNotBelieved", () => {
    const bad = [end(0), end(2 ** 40), end("x"), soupBinPacket("S", Buffer.from("G1")), short];
    for (const packet of [...bad, soupBinPacket("S", none)]) {
      feed(50, 0);
      client.open(0);
      receive(1, packet);
      expect(client.fault).toBe(GlimpseFault.malformed);
      expect(decoder.arbiter.isBroken(0)).toBe(true);
    }
  });

  test("sessionThatChangesMeanwhileSupersedesTheSnapshot", () => {
    feed(50, 0);
    client.open(0);
    packer.setSession("T");
    feed(1, 1);
    expect(receive(2, directory)).toBe(0);
    expect(client.fault).toBe(GlimpseFault.superseded);
    expect(feed(2, 3)).toBe(Verdict.applied);
  });

  test("tooSlowIsGivenUp", () => {
    feed(50, 0);
    client.open(0);
    for (let at = 0; at < 60; at++) receive(at * second, soupBinPacket("H", none));
    client.poll(60 * second);
    expect(client.fault).toBe(GlimpseFault.timeout);
  });
});

function number(text: string): number {
  return soupBinNumber(Buffer.from(text), 0, text.length);
}

describe("SoupBinTCP", () => {
  test("longestPacketsPassThroughTheBoundedBuffer", () => {
    const reader = new SoupBinReader();
    const packet = soupBinPacket("S", new Uint8Array(0xfffe).fill(7));
    const stream = Buffer.concat([packet, packet, packet, packet]);
    let packets = 0;
    for (let at = 0; at < stream.length;) {
      at += reader.push(stream, at, stream.length);
      while (reader.next()) {
        expect(reader.end - reader.at).toBe(0xfffe);
        packets++;
      }
    }
    expect(packets).toBe(4);
  });

  test("randomBytesAreCutIntoPacketsWithoutHarm", () => {
    const rng = random(testSeed("soupbintcp"));
    for (let run = 0; run < scaled(300); run++) {
      feed(50 + run, 0);
      client.attempts = 0;
      client.open(run);
      for (let i = 0; i < 20 && client.connected; i++) {
        const chunk = Buffer.alloc(rng.int(300));
        for (let at = 0; at < chunk.length; at++) chunk[at] = rng.int(4) === 0 ? rng.int(256) : 0;
        client.receive(chunk, chunk.length, run);
      }
      client.closed(run);
      packer.setSession(`S${run}`);
    }
    expect(client.connected).toBe(false);
  });

  test("numbersArePaddedDigits", () => {
    expect(number("                  42")).toBe(42);
    expect(number("42                  ")).toBe(42);
    expect(number("                    ")).toBe(-1);
    expect(number("4a")).toBe(-1);
    expect(number("  4 2 ")).toBe(-1);
    expect(number("99999999999999999999")).toBe(-1);
  });
});
