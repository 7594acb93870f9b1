/** Event streams: who is slow loses, nobody waits, nothing grows. */
import { describe, expect, test } from "bun:test";
import { Hub, StreamCap } from "../../src/http/hub.ts";
import { EventStreamParser } from "../../src/web/event-stream.ts";

function hubWith(queueMax = 3, cap = new StreamCap(2)) {
  let dropped = 0;
  const hub = new Hub(
    { queueMax, heartbeatMs: 5000, stallMs: 30_000, onDrop: (events) => (dropped += events) },
    cap,
  );
  return { hub, cap, dropped: () => dropped };
}

function readerOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  return {
    /** Text of the next chunk; undefined at the end. */
    async next(): Promise<string | undefined> {
      const { value } = await reader.read();
      return value === undefined ? undefined : decoder.decode(value);
    },
    async event() {
      for (;;) {
        const text = await this.next();
        if (text === undefined) return undefined;
        const [event] = parser.push(text);
        if (event !== undefined) return event;
      }
    },
    cancel: () => reader.cancel(),
  };
}

describe("a reader that keeps up", () => {
  test("gets what is there at once and every event after it", async () => {
    const { hub, dropped } = hubWith();
    const reader = readerOf(hub.subscribe(0, [{ event: "status", data: "0" }])!);
    expect(await reader.event()).toMatchObject({ event: "status", data: "0" });
    for (let i = 1; i < 50; i++) {
      hub.publish({ event: "status", id: String(i), data: String(i) }, i);
      expect(await reader.event()).toEqual({ event: "status", id: String(i), data: String(i) });
    }
    expect(dropped()).toBe(0);
  });

  test("gets only what it asked for", async () => {
    const { hub } = hubWith();
    const reader = readerOf(hub.subscribe(0, [], ({ subject }) => subject === "B")!);
    hub.publish({ event: "signal", data: "1", subject: "A" }, 0);
    hub.publish({ event: "signal", data: "2", subject: "B" }, 0);
    expect((await reader.event())?.data).toBe("2");
  });

  test("hears a heartbeat when there is nothing to say", async () => {
    const { hub } = hubWith();
    const reader = readerOf(hub.subscribe(0)!);
    expect(await reader.next()).toBe("retry: 1000\n\n");
    hub.tick(4999);
    hub.tick(5000);
    expect(await reader.next()).toBe(": heartbeat\n\n");
  });
});

describe("a reader that takes nothing", () => {
  test("loses the oldest events, counted, and is told how many", async () => {
    const { hub, dropped } = hubWith(3);
    const reader = readerOf(hub.subscribe(0)!);
    for (let i = 0; i < 100; i++) hub.publish({ event: "status", data: String(i) }, i);
    expect(dropped()).toBeGreaterThan(80);
    const events: string[] = [];
    for (;;) {
      const event = (await reader.event())!;
      events.push(event.event === "dropped" ? event.data : Number(event.data).toString());
      if (event.data === "99") break;
    }
    expect(events).toContain(`{"events":${dropped()}}`);
    expect(events.length).toBeLessThan(12);
  });

  test("but is slow, not dead, is not cut off however far behind it stays", async () => {
    const { hub, dropped } = hubWith(3);
    const reader = readerOf(hub.subscribe(0)!);
    // Two events for each one that it takes: something always waits.
    for (let s = 1; s <= 120; s++) {
      for (let i = 0; i < 2; i++) hub.publish({ event: "status", data: String(s) }, s * 1000);
      hub.tick(s * 1000);
      await reader.next();
      expect(hub.size).toBe(1);
    }
    expect(dropped()).toBeGreaterThan(0);
    // From now on it takes nothing.
    for (let s = 121; s <= 155; s++) {
      hub.publish({ event: "status", data: String(s) }, s * 1000);
      hub.tick(s * 1000);
    }
    expect(hub.size).toBe(0);
  });

  test("is cut off after a while, and its place is free again", () => {
    const { hub, cap } = hubWith(1);
    hub.subscribe(0);
    for (let i = 0; i < 20; i++) hub.publish({ event: "status", data: "x" }, i);
    hub.tick(29_000);
    expect([hub.size, cap.open]).toEqual([1, 1]);
    hub.tick(31_000);
    expect([hub.size, cap.open]).toEqual([0, 0]);
  });
});

describe("the cap", () => {
  test("is shared by all hubs, and freed by who leaves", async () => {
    const cap = new StreamCap(2);
    const { hub: first } = hubWith(3, cap);
    const { hub: second } = hubWith(3, cap);
    const reader = readerOf(first.subscribe(0)!);
    expect(second.subscribe(0)).toBeDefined();
    expect(first.subscribe(0)).toBeUndefined();
    await reader.cancel();
    expect(second.subscribe(0)).toBeDefined();
    expect(cap.open).toBe(2);
  });

  test("closing ends every stream", async () => {
    const { hub, cap } = hubWith();
    const reader = readerOf(hub.subscribe(0)!);
    hub.close();
    await reader.next();
    expect(await reader.next()).toBeUndefined();
    expect(cap.open).toBe(0);
  });
});
