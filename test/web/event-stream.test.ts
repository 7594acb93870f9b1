import { describe, expect, test } from "bun:test";
import {
  EventStreamParser,
  followStream,
  type StreamEvent,
  type StreamState,
} from "../../src/web/event-stream.ts";

describe("events in text", () => {
  const text =
    ': welcome\nretry: 700\n\nevent: latency\nid: 7\ndata: {"a":1}\n\ndata: one\ndata:two\n\nevent: empty\n\ndata:  x\r\n\r\n';
  const expected: StreamEvent[] = [
    { event: "latency", data: '{"a":1}', id: "7" },
    { event: "message", data: "one\ntwo", id: "7" },
    { event: "message", data: " x", id: "7" },
  ];

  test("at once", () => {
    const parser = new EventStreamParser();
    expect(parser.push(text)).toEqual(expected);
    expect(parser.retryMs).toBe(700);
  });

  test("cut at every place", () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new EventStreamParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(
        expected,
      );
    }
  });

  test("character by character", () => {
    const parser = new EventStreamParser();
    expect([...text].flatMap((character) => parser.push(character))).toEqual(expected);
  });

  test("lines that end in CR alone", () => {
    const parser = new EventStreamParser();
    expect(parser.push("data: a\r\rdata: b\r\r")).toHaveLength(2);
  });

  test("an event without end is dropped and counted, and the next one arrives", () => {
    const parser = new EventStreamParser();
    const chunk = `${"x".repeat(65_536)}\n`;
    for (let index = 0; index < 40; index++) expect(parser.push(`data: ${chunk}`)).toEqual([]);
    expect(parser.push("\ndata: next\n\n").map(({ data }) => data)).toEqual(["next"]);
    expect(parser.dropped).toBe(1);

    for (let index = 0; index < 40; index++) parser.push("y".repeat(65_536));
    expect(parser.push("\n\ndata: again\n\n").map(({ data }) => data)).toEqual(["again"]);
    expect(parser.dropped).toBe(2);
  });
});

interface Followed {
  states: StreamState[];
  events: StreamEvent[];
}

/** Follows until `enough` holds, then stops and waits for the end. */
async function follow(
  port: number,
  enough: (followed: Followed) => boolean,
  more: { token?: string; silenceMs?: number } = {},
): Promise<Followed> {
  const followed: Followed = { states: [], events: [] };
  const stop = new AbortController();
  const look = (): void => {
    if (enough(followed)) stop.abort();
  };
  await followStream({
    url: `http://127.0.0.1:${port}/stream`,
    token: more.token ?? "",
    silenceMs: more.silenceMs ?? 5000,
    signal: stop.signal,
    onEvent: (event) => {
      followed.events.push(event);
      look();
    },
    onState: (state) => {
      followed.states.push(state);
      look();
    },
  });
  return followed;
}

function eventStream(text: string, end: boolean): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (end) controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function lostReasons({ states }: Followed): string[] {
  return states.flatMap((state) => (state.kind === "lost" ? [state.reason] : []));
}

describe("a stream over HTTP", () => {
  test("is followed across a server that ends it, with the token it wants", async () => {
    let connections = 0;
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        if (request.headers.get("authorization") !== "Bearer secret") {
          return new Response("no", { status: 401 });
        }
        return eventStream(`retry: 1\ndata: ${++connections}\n\n`, true);
      },
    });
    const followed = await follow(server.port!, ({ events }) => events.length >= 3, {
      token: "secret",
    });
    expect(followed.events.map(({ data }) => data)).toEqual(["1", "2", "3"]);
    expect(lostReasons(followed)[0]).toBe("the server ended the stream");

    const refused = await follow(server.port!, ({ states }) => states.at(-1)?.kind === "lost");
    expect(lostReasons(refused)).toEqual(["HTTP 401: the token is missing or wrong"]);
  });

  test("that falls silent is given up and made again", async () => {
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => eventStream("retry: 1\ndata: x\n\n", false),
    });
    const followed = await follow(server.port!, ({ events }) => events.length >= 2, {
      silenceMs: 40,
    });
    expect(lostReasons(followed)[0]).toBe("nothing came for 40 ms");
  });

  test("that is something else is told apart", async () => {
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ hello: 1 }),
    });
    const followed = await follow(server.port!, ({ states }) => states.at(-1)?.kind === "lost");
    expect(lostReasons(followed)[0]).toStartWith("the answer is application/json");
  });

  test("where nobody listens is tried again, ever less often", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const port = server.port!;
    await server.stop(true);
    const followed = await follow(port, (now) => lostReasons(now).length >= 2);
    expect(lostReasons(followed)).toEqual(["nothing listens there", "nothing listens there"]);
    const waits = followed.states.flatMap((state) => (state.kind === "lost" ? [state.waitMs] : []));
    expect(waits).toEqual([500, 1000]);
  });
});
