/** Alerts of a compiled run on their way to somebody else's HTTP endpoint. */
import { afterAll, expect, test } from "bun:test";
import { hostname } from "node:os";
import { feedUntil, startApi } from "../support/api.ts";
import { until } from "../support/until.ts";

interface Body {
  event: "opened" | "resolved";
  alert: { id: number; rule: string; subject: string; severity: string; summary: string };
  run: string;
  host: string;
}

interface Post {
  body: Body;
  atMs: number;
  method: string;
  type: string | null;
}

/** An endpoint on loopback that answers as `statusOf` says. */
class Endpoint {
  readonly posts: Post[] = [];
  readonly url: string;
  readonly #server;

  constructor(statusOf: (post: Post, index: number) => number) {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const body = (await request.json()) as Body;
        const type = request.headers.get("content-type");
        const post = { body, atMs: performance.now(), method: request.method, type };
        this.posts.push(post);
        return new Response(null, { status: statusOf(post, this.posts.length - 1) });
      },
    });
    this.url = `http://127.0.0.1:${this.#server.port}/hook?key=secret-of-the-endpoint`;
  }

  close(): void {
    void this.#server.stop(true);
  }
}

const endpoints: Endpoint[] = [];
afterAll(() => endpoints.forEach((one) => one.close()));

function endpoint(statusOf: (post: Post, index: number) => number): Endpoint {
  const made = new Endpoint(statusOf);
  endpoints.push(made);
  return made;
}

/** Every duration is a breach of this rule, and it is over as soon as nothing comes. */
const rule = JSON.stringify({
  name: "any_update",
  kind: "event",
  of: "hftedge_evaluations_total",
  severity: "critical",
  quietMs: 1000,
  summary: "Something was evaluated.",
});

function webhook({ url }: Endpoint, ...more: string[]): string[] {
  return ["--alert-webhook", url, "--alert-rule", `[${rule}]`, ...more];
}

test("an endpoint that fails at first is tried again, and told once what opened and what is over", async () => {
  const told = endpoint((_, index) => (index < 2 ? 500 : 204));
  await using api = await startApi(webhook(told));
  const mine = () => told.posts.filter(({ body }) => body.alert.rule === "any_update");
  await feedUntil(api, ["AAPL"], () => mine().length > 0);
  await until(() => mine().some(({ body }) => body.event === "resolved"));
  const { run } = await api.json<{ run: string }>("/api/v1/status");

  for (const { body, method, type } of told.posts) {
    expect([method, type]).toEqual(["POST", "application/json"]);
    expect(body).toMatchObject({ run, host: hostname() });
  }
  const [opened] = mine();
  expect(opened!.body).toEqual({
    event: "opened",
    run,
    host: hostname(),
    alert: {
      id: expect.any(Number) as never,
      rule: "any_update",
      subject: "",
      severity: "critical",
      summary: "Something was evaluated.",
      limit: 0,
      unit: "",
      openedMs: expect.any(Number) as never,
      lastMs: expect.any(Number) as never,
      resolvedMs: null,
      count: expect.any(Number) as never,
      worst: expect.any(Number) as never,
    } as never,
  });
  // The first delivery of all was the one that failed: twice, a second and then two apart.
  const [first, second, third] = told.posts;
  expect([second!.body, third!.body]).toEqual([first!.body, first!.body]);
  expect(second!.atMs - first!.atMs).toBeGreaterThan(900);
  expect(third!.atMs - second!.atMs).toBeGreaterThan(1900);
  // What was accepted is not told again: each event of each alert once, after the two failures.
  const events = told.posts.slice(2).map(({ body }) => `${body.event} ${body.alert.id}`);
  expect(new Set(events).size).toBe(events.length);
  // And the file agrees with what was told.
  const { items } = await api.json<{ items: { rule: string; resolvedMs: number | null }[] }>(
    "/api/v1/alerts?rule=any_update",
  );
  expect(items.filter(({ resolvedMs }) => resolvedMs !== null)).not.toBeEmpty();
  const { stderr } = await api.edge.stop();
  expect(stderr).not.toContain("secret-of-the-endpoint");
}, 60_000);

test("an endpoint that never accepts is given up after as many tries as may be, and counted", async () => {
  const told = endpoint(() => 503);
  await using api = await startApi(webhook(told, "--alert-webhook-tries", "2"));
  await feedUntil(api, ["AAPL"], () => told.posts.length > 0);
  let failed = 0;
  let asking = false;
  await until(() => {
    if (!asking) {
      asking = true;
      void api.get("/metrics").then(async (reply) => {
        failed = Number(/^hftedge_webhooks_failed_total (\d+)/m.exec(await reply.text())?.[1] ?? 0);
        asking = false;
      });
    }
    return failed > 0;
  });
  const [first] = told.posts;
  const same = told.posts.filter(
    ({ body }) => body.alert.id === first!.body.alert.id && body.event === first!.body.event,
  );
  expect(same).toHaveLength(2);
  // An endpoint that is away holds up neither the run nor its end.
  const { report } = await api.edge.stop();
  expect(report.clean).toBe(true);
}, 60_000);

test("an endpoint that never answers costs its time limit, and the run goes on", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const url = `http://127.0.0.1:${silent.port}/`;
  const args = ["--alert-webhook-timeout-ms", "200", "--alert-webhook-tries", "1"];
  await using api = await startApi(["--alert-webhook", url, "--alert-rule", `[${rule}]`, ...args]);
  let failed = 0;
  await feedUntil(api, ["AAPL"], async () => {
    const text = await (await api.get("/metrics")).text();
    failed = Number(/^hftedge_webhooks_failed_total (\d+)/m.exec(text)?.[1] ?? 0);
    return failed > 0;
  });
  expect(failed).toBeGreaterThan(0);
  const { report } = await api.edge.stop();
  expect([report.clean, report.workerRestarts]).toEqual([true, 0]);
  silent.stop(true);
}, 60_000);
