/** The history from the command line, beside a service that goes on writing it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HistoryReader } from "../../src/store/query.ts";
import { feedUntil, type RunningApi, startApi } from "../support/api.ts";
import { run } from "../support/binary.ts";

let api: RunningApi;
let file: string[];

beforeAll(async () => {
  // Every duration is a breach, and the alert stays open however long the tests take.
  const breach = ["--alert-data-ingestion-ms", "0.000001", "--alert-quiet-ms", "3600000"];
  api = await startApi(breach);
  file = ["--data-directory", api.edge.running.directory];
  await feedUntil(api, ["AAPL"], async () => {
    const { items } = await api.json<{ items: unknown[] }>("/api/v1/alerts");
    const signals = await api.json<{ items: unknown[] }>("/api/v1/signals?signal=SELL");
    return items.length > 0 && signals.items.length > 0;
  });
}, 60_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function query(...args: string[]): Promise<string> {
  const done = await run(["query", ...args]);
  expect([done.stderr, done.code]).toEqual(["", 0]);
  return done.stdout;
}

describe("query", () => {
  test("latency as a table, from the file", async () => {
    const [head = "", ...rows] = (await query("latency", "--from", "-1h", ...file)).split("\n");
    expect(head).toMatch(/^STAGE +COUNT +SUCCESS +MEAN +MEDIAN +MIN +P95 +P99 +P99\.9 +MAX$/);
    expect(rows.find((row) => row.startsWith("data_ingestion"))).toMatch(/ 100 % .* µs/);
  });

  test("the service and its file say the same about a range that is over", async () => {
    const to = String(Math.floor(Date.now() / 1000));
    const range = ["latency", "--from", String(Number(to) - 3600), "--to", to, "--json"];
    await feedUntil(api, ["AAPL"], async () => {
      const { atMs } = await api.json<{ atMs: number }>("/api/v1/status");
      return atMs / 1000 > Number(to) + 2;
    });
    const fromFile = JSON.parse(await query(...range, ...file)) as object;
    expect(JSON.parse(await query(...range, "--url", api.url)) as object).toEqual(fromFile);
  });

  test("steps as CSV", async () => {
    const text = await query(
      "latency",
      "--step",
      "1m",
      "--stage",
      "total_pipeline",
      "--csv",
      ...file,
    );
    expect(text).toStartWith("time,atMs,stage,count,");
    expect(text.trimEnd().split("\r\n").length).toBeGreaterThan(1);
  });

  test("alerts and signals as JSON, filtered", async () => {
    const alerts = JSON.parse(await query("alerts", "--open", "--json", ...file)) as object[];
    expect(alerts).toContainEqual(expect.objectContaining({ rule: "slow_data_ingestion" }));
    const args = ["--symbol", "AAPL", "--limit", "1", "--json"];
    const signals = JSON.parse(await query("signals", ...args, ...file)) as object[];
    expect(signals).toEqual([expect.objectContaining({ symbol: "AAPL" })]);
  });

  test("lists as CSV have the API's heading, also without a row", async () => {
    for (const name of ["alerts", "signals"]) {
      const [head] = (await (await api.get(`/api/v1/${name}?format=csv&limit=1`)).text()).split(
        "\r",
      );
      const none = await query(name, "--to", "1", "--csv", ...file);
      expect(none).toBe(`${head}\r\n`);
      expect(await query(name, "--limit", "2", "--csv", ...file)).toStartWith(`${head}\r\n`);
    }
  });

  test("an address where something else answers: one clear error", async () => {
    await using other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("<html>"),
    });
    for (const what of ["latency", "alerts"]) {
      const done = await run(["query", what, "--url", `127.0.0.1:${other.port}`]);
      expect([done.code, done.stderr]).toEqual([
        1,
        expect.stringContaining("something else than hftedge answers"),
      ]);
    }
  });

  test("a stage that there is not: the service's own words, exit code 1", async () => {
    for (const where of [file, ["--url", api.url]]) {
      const done = await run(["query", "latency", "--stage", "nothing", ...where]);
      expect(done.code).toBe(1);
      expect(done.stderr).toContain('stage names "nothing", which there is not');
    }
  });

  test("no history, no service: one clear error each", async () => {
    const none = await run(["query", "alerts", "--data-directory", "/nonexistent"]);
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining("there is no history at"),
    ]);
    const nobody = await run(["query", "alerts", "--url", "http://127.0.0.1:1"]);
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("does not answer")]);
    const bad = await run(["query", "alerts", "--url", "ftp://127.0.0.1:1"]);
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("Give http://HOST:PORT")]);
  });
});

describe("backup", () => {
  test("a whole copy while the service writes; never over another file", async () => {
    const copy = join(api.edge.running.directory, "copy.db");
    const done = await run(["backup", copy, "--json", ...file]);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ path: copy });
    const reader = new HistoryReader(copy);
    expect(reader.record.signals({ limit: 1 }).rows).toHaveLength(1);
    reader.close();
    const again = await run(["backup", copy, ...file]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("exists already")]);
  });
});
