/** /api/v1/stream: the status object once a second, for the dashboard and the terminal. */
import type { Context } from "hono";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { problem } from "./problem.ts";
import type { ApiSource } from "./source.ts";

export const streamResponses = {
  200: {
    description: "A stream without an end; a comment every 5 s while there is nothing to say.",
    content: { "text/event-stream": { schema: { type: "string" as const } } },
  },
};

export function eventStream(c: Context, stream: ReadableStream<Uint8Array> | undefined): Response {
  if (stream === undefined) {
    const hint = "Close one of them, or raise http.subscribersMax.";
    const headers = { "retry-after": "5" };
    const detail = "as many event streams are open as may be";
    return problem(c, 503, "SUBSCRIBERS_FULL", detail, { hint, headers });
  }
  c.header("content-type", "text/event-stream");
  c.header("cache-control", "no-store");
  c.header("x-accel-buffering", "no");
  return c.body(stream);
}

export function streamRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/stream",
    describe({
      summary: "The status of every second (server-sent events)",
      description:
        "Events named status, each with the object of /api/v1/status as JSON; the first comes at once. A reader that is too slow loses the oldest ones and is told how many by an event named dropped.",
      tags: ["now"],
      may: [503],
      responses: streamResponses,
    }),
    (c) => {
      const status = source.status();
      const first = { event: "status", id: String(status.seq), data: JSON.stringify(status) };
      return eventStream(c, source.live.subscribe(source.clockMs(), [first]));
    },
  );
}
