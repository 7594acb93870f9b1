import { describe, expect, test } from "bun:test";
import { Webhook, type WebhookOptions } from "../../src/http/webhook.ts";
import type { Alert, AlertChange } from "../../src/telemetry/alert.ts";

const options = { timeoutMs: 2000, tries: 4, queueMax: 10, run: "00aa", host: "edge-1" };

function change(id: number, kind: AlertChange["kind"] = "opened"): AlertChange {
  const alert: Alert = {
    id,
    rule: "gap",
    subject: "nasdaq",
    severity: "critical",
    summary: "Lost datagrams.",
    limit: 0,
    unit: "",
    openedMs: 1,
    lastMs: 2,
    resolvedMs: null,
    count: 1,
    worst: 1,
  };
  return { kind, alert };
}

/** An endpoint that answers with the given statuses in turn, then 200; and the pauses asked for. */
function endpoint(statuses: number[], changes: Partial<WebhookOptions> = {}) {
  const received: { event: string; alert: Alert; run: string; host: string }[] = [];
  const pauses: number[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      received.push((await request.json()) as (typeof received)[number]);
      return new Response("thanks", { status: statuses.shift() ?? 200 });
    },
  });
  const url = `http://127.0.0.1:${server.port}/hook`;
  const hook = new Webhook({ ...options, url, ...changes }, fetch, async (ms) => {
    pauses.push(ms);
  });
  return { hook, received, pauses, server };
}

describe("a webhook", () => {
  test("is told what opened and what was resolved, in order, and nothing between", async () => {
    const { hook, received, server } = endpoint([]);
    hook.offer([change(1), change(1, "updated"), change(2)]);
    hook.offer([change(1, "resolved")]);
    await hook.idle();
    expect(received.map(({ event, alert }) => `${event} ${alert.id}`)).toEqual([
      "opened 1",
      "opened 2",
      "resolved 1",
    ]);
    expect(received[0]).toMatchObject({ run: "00aa", host: "edge-1", alert: { rule: "gap" } });
    expect(hook.counts).toEqual({ sent: 3, failed: 0 });
    await server.stop(true);
  });

  test("that fails for a while is tried again, further and further apart", async () => {
    const { hook, received, pauses, server } = endpoint([503, 429, 500]);
    hook.offer([change(1)]);
    await hook.idle();
    expect(received).toHaveLength(4);
    expect(pauses).toEqual([1000, 2000, 4000]);
    expect(hook.counts).toEqual({ sent: 1, failed: 0 });
    await server.stop(true);
  });

  test("that keeps failing, or refuses, does not hold up the next alert", async () => {
    const { hook, received, server } = endpoint([500, 500, 500, 500, 404]);
    hook.offer([change(1), change(2), change(3)]);
    await hook.idle();
    expect(received.map(({ alert }) => alert.id)).toEqual([1, 1, 1, 1, 2, 3]);
    expect(hook.counts).toEqual({ sent: 1, failed: 2 });
    await server.stop(true);
  });

  test("that nobody listens at costs the alerts and nothing else", async () => {
    const { hook, server } = endpoint([]);
    await server.stop(true);
    hook.offer([change(1)]);
    await hook.idle();
    expect(hook.counts).toEqual({ sent: 0, failed: 1 });
    expect(hook.lastError).not.toBe("");
  });

  test("is not followed to another address", async () => {
    const { hook, received, server } = endpoint([302, 302, 302, 302]);
    hook.offer([change(1)]);
    await hook.idle();
    expect(received.length).toBeLessThanOrEqual(4);
    expect(hook.counts.failed).toBe(1);
    await server.stop(true);
  });

  test("that is slow keeps a bounded queue, of the newest alerts", async () => {
    const { promise: release, resolve } = Promise.withResolvers<Response>();
    const bodies: string[] = [];
    const hook = new Webhook({ ...options, url: "http://hook.invalid/" }, (_, init) => {
      bodies.push(String(init.body));
      return bodies.length === 1 ? release : Promise.resolve(new Response());
    });
    for (let id = 1; id <= 100; id++) hook.offer([change(id)]);
    resolve(new Response());
    await hook.idle();
    const ids = bodies.map((body) => (JSON.parse(body) as { alert: Alert }).alert.id);
    expect(ids).toEqual([1, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
    expect(hook.counts).toEqual({ sent: 11, failed: 89 });
  });

  test("is left alone at once when the run ends", async () => {
    const hook = new Webhook({ ...options, url: "http://hook.invalid/" }, (_, init) => {
      const { promise, reject } = Promise.withResolvers<Response>();
      init.signal!.addEventListener("abort", () => reject(new Error("aborted")));
      return promise;
    });
    hook.offer([change(1), change(2)]);
    await hook.close();
    expect(hook.counts).toEqual({ sent: 0, failed: 2 });
  });

  test("after the end takes nothing more, and nobody waits for it", async () => {
    const { hook, received, server } = endpoint([]);
    await hook.close();
    hook.offer([change(1), change(1, "updated"), change(2)]);
    await hook.idle();
    expect(received).toBeEmpty();
    expect(hook.counts).toEqual({ sent: 0, failed: 2 });
    await server.stop(true);
  });
});
