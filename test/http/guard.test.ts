/** Who may ask, and how often: the app itself, with time in the test's hand. */
import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import {
  guard,
  type GuardEnv,
  type GuardOptions,
  hostName,
  RateLimit,
} from "../../src/http/guard.ts";

const token = "correct-horse-battery";

function appWith(changes: Partial<GuardOptions> = {}) {
  let refused = 0;
  const app = new Hono<GuardEnv>();
  app.use(
    guard({
      hosts: ["127.0.0.1", "edge.example"],
      loopback: true,
      token: "",
      ratePerS: 1000,
      clockMs: () => 0,
      onRefuse: () => refused++,
      ...changes,
    }),
  );
  app.get("*", (c) => c.text("yes"));
  const ask = async (headers: Record<string, string>, path = "/api/v1/status", address = "a") =>
    await app.request(path, { headers: { host: "localhost:8080", ...headers } }, { address });
  return { ask, refused: () => refused };
}

describe("Host", () => {
  test.each([
    "localhost",
    "LOCALHOST:8080",
    "127.0.0.1:8080",
    "127.9.9.9",
    "[::1]:8080",
    "edge.example",
    "edge.example.:80",
  ])("%s is ours", async (host) => {
    expect((await appWith().ask({ host })).status).toBe(200);
  });

  test.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.5:8080",
    "[2001:db8::1]",
    "a b",
    ":8080",
  ])("%s is refused on a loopback address", async (host) => {
    const { ask, refused } = appWith();
    const response = await ask({ host });
    expect(response.status).toBe(421);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(refused()).toBe(1);
  });

  test("on an address of the network any literal address is ours, a foreign name is not", async () => {
    const { ask } = appWith({ loopback: false });
    expect((await ask({ host: "10.0.0.5:8080" })).status).toBe(200);
    expect((await ask({ host: "evil.example" })).status).toBe(421);
  });

  test("names of the configuration are read as a Host is: capitals, a port, the root's dot", async () => {
    const { ask } = appWith({ hosts: ["Edge.Example:8080", "other.example."] });
    for (const host of ["edge.example", "EDGE.example:80", "other.example:1"]) {
      expect((await ask({ host })).status).toBe(200);
    }
    expect((await ask({ host: "8080" })).status).toBe(421);
  });

  test("names without port, case, brackets and the root's dot", () => {
    expect(hostName("Edge.Example.:80")).toBe("edge.example");
    expect(hostName("[::1]:1")).toBe("::1");
    expect(hostName("::1")).toBe("");
  });
});

describe("pages of other sites", () => {
  test("are refused by origin and by fetch metadata", async () => {
    const { ask } = appWith();
    expect((await ask({ origin: "http://evil.example" })).status).toBe(403);
    expect((await ask({ origin: "null" })).status).toBe(403);
    expect((await ask({ "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  test("our own page may ask", async () => {
    const headers = { origin: "http://localhost:8080", "sec-fetch-site": "same-origin" };
    expect((await appWith().ask(headers)).status).toBe(200);
  });
});

describe("token", () => {
  test.each([
    {},
    { authorization: "Bearer wrong" },
    { authorization: `Bearer ${token}x` },
    { authorization: `Basic ${token}` },
    { authorization: token },
  ])("%j is refused", async (headers) => {
    const response = await appWith({ token }).ask(headers as Record<string, string>);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="hftedge"');
    expect(await response.text()).not.toContain(token);
  });

  test("the right one passes", async () => {
    const { ask } = appWith({ token });
    expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await ask({ authorization: `bearer ${token}` })).status).toBe(200);
  });

  test("static pages and the sign of life need none, everything else does", async () => {
    const { ask } = appWith({ token });
    for (const path of ["/", "/healthz", "/docs", "/openapi.json"]) {
      expect((await ask({}, path)).status).toBe(200);
    }
    for (const path of ["/metrics", "/readyz", "/api/v1/stream", "/healthz/", "//healthz"]) {
      expect((await ask({}, path)).status).toBe(401);
    }
  });
});

describe("rate", () => {
  test("twice the rate at once, then the rate, each address by itself", async () => {
    let nowMs = 0;
    const { ask } = appWith({ ratePerS: 10, clockMs: () => nowMs });
    const statuses = async (count: number, address = "a") => {
      const all = await Promise.all(
        Array.from({ length: count }, () => ask({}, "/api/v1/status", address)),
      );
      return all.filter(({ status }) => status === 200).length;
    };
    expect(await statuses(30)).toBe(20);
    expect(await statuses(5, "b")).toBe(5);
    const refused = await ask({});
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    nowMs += 500;
    expect(await statuses(30)).toBe(5);
    nowMs += 60_000;
    expect(await statuses(30)).toBe(20);
  });

  test("a flood of addresses keeps its memory", () => {
    const limit = new RateLimit(1, () => 0);
    for (let i = 0; i < 20_000; i++) expect(limit.take(`10.0.${i >> 8}.${i & 255}`)).toBe(0);
    expect(limit.size).toBeLessThanOrEqual(4096);
  });
});
