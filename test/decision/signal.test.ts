import { describe, expect, test } from "bun:test";
import {
  Field,
  getText16,
  getU64,
  initialiseRecord,
  isRecord,
  readSignal,
  RecordKind,
  setEpochNs,
  setKindAndFlags,
  setText16,
  setU64,
  signalBytes,
  signalJson,
  signalWords,
  unknownAgeMs,
} from "../../src/decision/signal.ts";
import { SignalJson } from "../../src/decision/signal-json.ts";
import { random as randomOf } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const seed = testSeed("decision/signal");

const decoder = new TextDecoder();

describe("fields", () => {
  test("a u64 up to 2^53 is exact in two halves", () => {
    const words = new Uint32Array(2);
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53]) {
      setU64(words, 0, value);
      expect(getU64(words, 0)).toBe(value);
    }
  });

  test("base plus offset carries into the upper half and keeps every nanosecond", () => {
    const random = randomOf(seed).next;
    const words = new Uint32Array(2);
    for (let i = 0; i < 10_000; i++) {
      const base = BigInt(Math.floor(random() * 4e9)) * 1_000_000_000n;
      const offset = Math.floor(random() * 2 ** 53);
      setEpochNs(words, 0, Number(base >> 32n), Number(base & 0xffff_ffffn), offset);
      expect((BigInt(words[1]!) << 32n) | BigInt(words[0]!)).toBe(base + BigInt(offset));
    }
  });

  test("a time before the base is exact too: the clock was set back soon after the start", () => {
    const random = randomOf(seed + 1).next;
    const words = new Uint32Array(2);
    for (let i = 0; i < 10_000; i++) {
      const base = BigInt(Math.floor(1e9 + random() * 3e9)) * 1_000_000_000n;
      const offset = -Math.floor(random() * 2 ** (1 + random() * 52));
      setEpochNs(words, 0, Number(base >> 32n), Number(base & 0xffff_ffffn), offset);
      expect((BigInt(words[1]!) << 32n) | BigInt(words[0]!)).toBe(base + BigInt(offset));
    }
  });

  test("text is padded, cut at sixteen, and comes back", () => {
    const words = new Uint32Array(4);
    for (const text of ["", "A", "BRK.A", "EXACTLY-16-CHARS", "BTC-USDT-PERP"]) {
      setText16(words, 0, text);
      expect(getText16(words, 0)).toBe(text);
    }
    setText16(words, 0, "LONGER-THAN-SIXTEEN");
    expect(getText16(words, 0)).toBe("LONGER-THAN-SIXT");
  });
});

/** The documented bytes of one signal, so that a change of the layout is seen. */
test("the binary form is byte for byte what the documentation says", () => {
  const words = new Uint32Array(signalWords);
  initialiseRecord(words, 0, 0x1122334455);
  setKindAndFlags(words, 0, RecordKind.signal, 3);
  setU64(words, Field.seq, 258);
  words[Field.ttlMs] = 5000;
  words[Field.ageMs] = unknownAgeMs;
  words[Field.feedDecisionSource] = 2 | (1 << 16) | (4 << 24);
  words[Field.reasonDecimalsConfidence] = 9 | (5 << 8) | (8123 << 16);
  setText16(words, Field.symbol, "AAPL");
  const bytes = Buffer.from(words.buffer);
  expect(bytes.length).toBe(signalBytes);
  expect(bytes.subarray(0, 24).toString("hex")).toBe(
    "484501018000030055443322110000000201000000000000",
  );
  expect(bytes.readUInt32LE(56)).toBe(5000);
  expect(bytes.readUInt32LE(60)).toBe(unknownAgeMs);
  expect(bytes.readUInt16LE(88)).toBe(2);
  expect([bytes[90], bytes[91], bytes[92], bytes[93]]).toEqual([1, 4, 9, 5]);
  expect(bytes.readUInt16LE(94)).toBe(8123);
  expect(bytes.toString("latin1", 96, 112)).toBe("AAPL            ");
  expect(isRecord(words)).toBe(true);
  words[0] = 0;
  expect(isRecord(words)).toBe(false);
});

test(`the JSON written byte by byte is the JSON of the decoded signal (seed ${seed})`, () => {
  const random = randomOf(seed).next;
  const words = new Uint32Array(signalWords);
  const json = new SignalJson();
  for (let i = 0; i < scaled(5000); i++) {
    initialiseRecord(words, 0, Math.floor(random() * 2 ** 48));
    for (let word = Field.seq; word < signalWords; word++) words[word] = random() * 2 ** 32;
    setKindAndFlags(words, 0, RecordKind.signal, Math.floor(random() * 8));
    for (const at of [Field.seq, Field.inputSeq, Field.price]) {
      setU64(words, at, Math.floor(random() ** 4 * 2 ** 50));
    }
    words[Field.emit + 1] = words[Field.receive + 1]!;
    words[Field.feedDecisionSource] =
      Math.floor(random() * 4) * 65_536 + Math.floor(random() * 11) * 2 ** 24;
    words[Field.reasonDecimalsConfidence] =
      Math.floor(random() * 20) +
      Math.floor(random() * 10) * 256 +
      Math.floor(random() * 10_001) * 65_536;
    setText16(words, Field.symbol, random() < 0.1 ? '"\\' : "SYM-1");
    setText16(words, Field.feedName, "nasdaq");
    const text = decoder.decode(json.bytes.subarray(0, json.encode(words, 0, 0)));
    expect(JSON.parse(text)).toEqual(JSON.parse(signalJson(readSignal(words))));
  }
});

test("a heartbeat has only what means something", () => {
  const words = new Uint32Array(signalWords);
  initialiseRecord(words, 0, 42);
  setKindAndFlags(words, 0, RecordKind.heartbeat, 0);
  setU64(words, Field.seq, 7);
  const json = new SignalJson();
  const text = decoder.decode(json.bytes.subarray(0, json.encode(words, 0, 0)));
  expect(JSON.parse(text)).toEqual({
    kind: "heartbeat",
    run: "000000000000002a",
    seq: 7,
    emitTime: "0",
  });
  expect(JSON.parse(signalJson(readSignal(words)))).toEqual(JSON.parse(text));
});
