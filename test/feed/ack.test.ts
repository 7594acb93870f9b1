import { describe, expect, test } from "bun:test";
import {
  ackBytes,
  AckCounter,
  ackEveryDatagrams,
  decodeAck,
  encodeAck,
} from "../../src/feed/ack.ts";

describe("acknowledgements", () => {
  test("have the documented bytes", () => {
    const out = new Uint8Array(ackBytes);
    expect(encodeAck(out, 0, 0x1_0203_0405)).toBe(16);
    expect(Buffer.from(out).toString("hex")).toBe(
      "48454447 41434b31 05040302 01000000".replaceAll(" ", ""),
    );
  });

  test.each([0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])(
    "count %d survives the trip",
    (count) => {
      const out = new Uint8Array(20);
      encodeAck(out, 4, count);
      expect(decodeAck(out, 4, ackBytes)).toBe(count);
    },
  );

  test("other lengths, other magic and counts beyond 2^53 are no acknowledgement", () => {
    const out = new Uint8Array(17);
    encodeAck(out, 0, 7);
    for (let length = 0; length <= 17; length++) {
      expect(decodeAck(out, 0, length)).toBe(length === 16 ? 7 : -1);
    }
    for (let at = 0; at < 8; at++) {
      const bad = out.slice();
      bad[at]! ^= 1;
      expect(decodeAck(bad, 0, 16)).toBe(-1);
    }
    out[15] = 0x20;
    expect(decodeAck(out, 0, 16)).toBe(-1);
  });

  test("one is due after every 64 datagrams and once when the line goes quiet", () => {
    const counter = new AckCounter();
    const out = new Uint8Array(ackBytes);
    for (let i = 1; i < ackEveryDatagrams; i++) expect(counter.count("127.0.0.1", 9)).toBe(false);
    expect(counter.count("127.0.0.1", 9)).toBe(true);
    expect(decodeAck(out, 0, counter.encode(out, 0))).toBe(64);
    expect(counter.idleDue).toBe(false);
    expect(counter.count("127.0.0.1", 9)).toBe(false);
    expect(counter.idleDue).toBe(true);
  });

  test("another sender starts the count anew", () => {
    const counter = new AckCounter();
    counter.count("127.0.0.1", 9);
    counter.count("127.0.0.1", 10);
    expect([counter.received, counter.port]).toEqual([1, 10]);
  });
});
