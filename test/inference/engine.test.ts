/** The engine against the stand-in server, on real sockets and the machine's clock. */
import { afterEach, describe, expect, test } from "bun:test";
import { Outcome } from "../../src/decision/pending-slot.ts";
import { Reason } from "../../src/decision/signal.ts";
import { Rig, type RigOptions } from "../support/inference-rig.ts";
import type { Fault } from "../support/ollama-fault.ts";
import { OllamaServer, type OllamaServerOptions } from "../support/ollama-server.ts";
import { until } from "../support/until.ts";

const scale = Number(process.env["HFTEDGE_TEST_SCALE"] ?? 1);
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const plainSpoken = () => ({ tokens: { BUY: 0.9 }, text: "BUY:0.9" });

async function serve(options: OllamaServerOptions = {}): Promise<OllamaServer> {
  const server = await new OllamaServer(options).start();
  open.push(() => server.stop());
  return server;
}

function rigOf(servers: OllamaServer[], options: Partial<RigOptions> = {}): Rig {
  const rig = new Rig({ hosts: servers.map((server) => server.url), ...options }).run();
  open.push(() => rig.close());
  return rig;
}

async function start(
  options: Partial<RigOptions> = {},
  serverOptions: OllamaServerOptions = {},
): Promise<[Rig, OllamaServer]> {
  const server = await serve(serverOptions);
  const rig = rigOf([server], options);
  await until(() => rig.inference.isReady);
  return [rig, server];
}

describe("asking", () => {
  test("an unknown state is asked about once, answered, and kept", async () => {
    const [rig, server] = await start();
    rig.enter(0, 7);
    await until(() => rig.told.length === 1);
    expect(rig.told).toEqual([[Outcome.answered, Reason.none]]);
    expect(rig.decision(7)).toBe(1);
    const asked = server.questions;
    rig.enter(1, 7);
    await Bun.sleep(20);
    expect(server.questions).toBe(asked);
    await until(() => rig.deliveries.some(({ decisions }) => decisions.length > 0));
    const [decision] = rig.deliveries.flatMap(({ decisions }) => decisions);
    expect(decision).toMatchObject({ state: "0,0,0,1,2", decision: "BUY", confidence: 0.7368 });
    expect(decision!.version).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.parse(decision!.probabilities!)).toEqual({
      BUY: 0.7368,
      SELL: 0.1053,
      HOLD: 0.1579,
      outside: 0.05,
    });
  });

  test("1,000 instruments in one unknown state make exactly one request", async () => {
    const [rig, server] = await start({}, { evalMs: 20 });
    const before = server.questions;
    for (let instrument = 0; instrument < 1000; instrument++) rig.enter(instrument, 42);
    await until(() => rig.told.length === 1);
    expect(server.questions - before).toBe(1);
    expect(rig.decision(42)).toBe(1);
    expect(rig.pending.size).toBe(0);
  });

  test("never more in flight than the server has slots, and no connection of its own for each", async () => {
    const [rig, server] = await start({ hostLimits: { parallel: 4 } }, { parallel: 8, evalMs: 2 });
    const connections = server.connections;
    for (let state = 0; state < 200; state++) rig.enter(state, state);
    await until(() => rig.told.length === 200);
    expect(server.inFlightMax).toBe(4);
    expect(server.connections - connections).toBeLessThanOrEqual(5);
    expect(new Set(rig.told.map(([outcome]) => outcome))).toEqual(new Set([Outcome.answered]));
  });

  test("the parts of each request are recorded, and add up to the whole", async () => {
    const [rig] = await start({}, { evalMs: 5 });
    rig.enter(0, 1);
    await until(() => rig.told.length === 1);
    const part = (name: string): number => rig.parts.get(name)!.at(-1)!;
    const parts = ["load", "wait", "prompt", "eval", "client"].map(part);
    expect(part("prompt")).toBeGreaterThan(1e6);
    expect(Math.abs(parts.reduce((a, b) => a + b) - part("processing"))).toBeLessThan(2);
  });

  test("the whole state space can be warmed, and then nothing misses", async () => {
    const features = [
      { feature: "spread", edges: [1.5] },
      { feature: "imbalance", edges: [-0.5, 0.5] },
    ] as const;
    const state = { preset: "custom", features } as const;
    const [rig, server] = await start({ state, limits: { warm: "all" } }, { parallel: 2 });
    await until(() => rig.inference.report().warm?.finished === true);
    expect(rig.inference.report().warm).toMatchObject({ done: 12, total: 12, failed: 0 });
    const asked = server.questions;
    for (let i = 0; i < 12; i++) rig.enter(i, i);
    expect(rig.pending.size).toBe(0);
    expect(server.questions).toBe(asked);
  });

  test("warming yields at once to a live miss", async () => {
    const [rig, server] = await start({ limits: { warm: "all" } }, { evalMs: 10 });
    await until(() => server.questions > 5);
    const far = rig.space.size - 1;
    rig.enter(0, far);
    const before = server.questions;
    await until(() => rig.told.length === 1);
    // The one under way is let end; the live question is the next.
    expect(server.questions - before).toBeLessThanOrEqual(2);
    expect(rig.decision(far)).toBe(1);
  });
});

describe("a server in trouble", () => {
  const cases: [Fault, number, string][] = [
    ["404", Reason.unreachable, "model_missing"],
    ["500", Reason.unreachable, "http_5xx"],
    ["503", Reason.unreachable, "overloaded"],
    ["error-under-200", Reason.unreachable, "http_5xx"],
    ["garbage", Reason.unreadable, "malformed"],
    ["flood", Reason.unreadable, "malformed"],
    ["cut", Reason.unreachable, "connect"],
    ["no-logprobs", Reason.unreadable, "no_verdict"],
  ];
  test.each(cases)(
    "%s: an error with its reason, then an answer by itself",
    async (fault, reason, label) => {
      const [rig, server] = await start();
      server.fault = fault;
      rig.enter(0, 3);
      await until(() => rig.told.length > 0);
      expect(rig.told[0]).toEqual([Outcome.error, reason]);
      expect(rig.errors.get(label)).toBeGreaterThan(0);
      expect(rig.decision(3)).toBe(0);
      server.fault = "none";
      await until(() => rig.told.at(-1)![0] === Outcome.answered);
      expect(rig.decision(3)).toBe(1);
    },
  );

  test("hang: the deadline is said, the question is not withdrawn, the slot comes back", async () => {
    const [rig, server] = await start({ limits: { deadlineMs: 50 }, hostLimits: { hungMs: 150 } });
    server.fault = "hang";
    rig.enter(0, 3);
    await until(() => rig.told.length > 0);
    expect(rig.told[0]).toEqual([Outcome.timeout, Reason.deadline]);
    await until(() => (rig.errors.get("aborted") ?? 0) > 0);
    server.fault = "none";
    await until(() => rig.decision(3) === 1);
  });

  test("crawl: a late answer still fills the table, and is asked for once", async () => {
    const [rig, server] = await start({ limits: { deadlineMs: 30 }, retryMs: 10 }, { evalMs: 10 });
    const before = server.questions;
    server.fault = "crawl";
    rig.enter(0, 3);
    await until(() => rig.told.length > 0);
    expect(rig.told[0]).toEqual([Outcome.timeout, Reason.deadline]);
    await until(() => rig.decision(3) === 1);
    expect(server.questions - before).toBe(1);
    expect(rig.told.filter(([outcome]) => outcome === Outcome.error)).toEqual([]);
  });

  test("down from the start: errors at once, and ready by itself when it appears", async () => {
    const server = await serve();
    await server.stop();
    const rig = rigOf([server]);
    rig.enter(0, 3);
    await until(() => rig.told.length > 0);
    expect(rig.told[0]).toEqual([Outcome.error, Reason.unreachable]);
    await server.start();
    await until(() => rig.decision(3) === 1);
    expect(rig.inference.isReady).toBe(true);
  });

  test("a restart in the middle: loaded again with the same options, answers go on", async () => {
    const [rig, server] = await start();
    rig.enter(0, 1);
    await until(() => rig.decision(1) === 1);
    await server.restart();
    rig.enter(0, 2);
    await until(() => rig.decision(2) === 1);
    expect(rig.decision(1)).toBe(1);
    expect(server.loadsDone).toBe(2);
    expect(rig.count("generations")).toBe(1);
  });

  test("a model forgotten by the server is loaded again in the background", async () => {
    const [rig, server] = await start();
    server.unload();
    await until(() => server.loadsDone === 2 && rig.inference.isReady);
  });

  test("a slow load is never cut, however impatient the questions are", async () => {
    const server = await serve({ loadMs: 400 });
    const rig = rigOf([server], { limits: { deadlineMs: 10 }, hostLimits: { hungMs: 20 } });
    rig.enter(0, 3);
    await until(() => rig.decision(3) === 1);
    expect(server).toMatchObject({ loadsStarted: 1, loadsKilled: 0 });
  });

  test("another model under the same name is another version: no old answer survives", async () => {
    let token = "BUY";
    const [rig, server] = await start({}, { answer: () => ({ tokens: { [token]: 1 } }) });
    rig.enter(0, 1);
    await until(() => rig.decision(1) === 1);
    const before = rig.inference.report().version;
    token = "SELL";
    server.replaceModel("b".repeat(64));
    await until(() => rig.inference.report().version !== before);
    expect(rig.decision(1)).toBe(0);
    rig.enter(0, 1);
    await until(() => rig.decision(1) === 2);
    expect(rig.count("generations")).toBe(2);
  });

  test("a model that the server lists under another of its names is known by its digest", async () => {
    const server = await serve();
    server.loadedAs = "trader:latest";
    const rig = rigOf([server]);
    await until(() => rig.inference.isReady);
    expect(server.loadsStarted).toBe(1);
  });

  test("a model that is not there is named with its remedy, and asked for when it comes", async () => {
    const server = await serve({ model: "other" });
    const rig = rigOf([server]);
    await until(() => rig.inference.report().hosts[0]!.status === "no-model");
    expect(rig.notices.join()).toContain("ollama pull llama3.2:3b");
    rig.enter(0, 1);
    await until(() => rig.told.length > 0);
    expect(rig.told[0]).toEqual([Outcome.error, Reason.unreachable]);
  });

  test("nothing leaks over many failing and succeeding requests", async () => {
    const [rig, server] = await start({
      hostLimits: { parallel: 4, breaker: { failuresMax: 1000, openMs: 1, openMsMax: 1 } },
      retryMs: 0,
    });
    server.keepCalls = false;
    Bun.gc(true);
    const heapBefore = process.memoryUsage().heapUsed;
    server.parallel = 4;
    const faults: Fault[] = ["none", "500", "garbage", "cut", "none", "503", "error-under-200"];
    const requests = 500 * scale; // HFTEDGE_TEST_SCALE=20: the 10,000 of the long run.
    let state = 0;
    for (let round = 0; rig.count("requests") < requests; round++) {
      server.fault = faults[round % faults.length]!;
      for (let i = 0; i < 50; i++) rig.enter(i, forgotten(rig, state++ % rig.space.size));
      const goal = rig.count("requests") + 30;
      await until(() => rig.count("requests") >= goal || rig.pending.size === 0);
    }
    server.fault = "none";
    await until(
      () => rig.inference.report().asking === 0 && rig.inference.report().queued === 0,
      10_000,
    );
    expect(server.openSockets).toBeLessThanOrEqual(12);
    rig.deliveries.length = 0;
    rig.told.length = 0;
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(8 * 2 ** 20);
    expect(rig.inference.report().hosts[0]!.inFlight).toBe(0);
  });
});

/** The state, with its answer withdrawn, so that it is asked about again. */
function forgotten(rig: Rig, state: number): number {
  rig.writer.remove(new Uint32Array(rig.space.keyWords), state);
  return state;
}

describe("fall-backs", () => {
  test("an old server without log-probabilities is read through a schema", async () => {
    const [rig] = await start({}, { version: "0.12.10" });
    rig.enter(0, 3);
    await until(() => rig.decision(3) === 1);
    expect(rig.inference.report().mode).toBe("json");
    expect(rig.notices.join("\n")).toContain("upgrade to 0.32.15");
  });

  test("a model whose first reply has no log-probabilities is read through a schema", async () => {
    const server = await serve();
    server.fault = "no-logprobs";
    const rig = rigOf([server]);
    await until(() => rig.inference.isReady);
    rig.enter(0, 3);
    await until(() => rig.decision(3) === 1);
    expect(rig.inference.report().mode).toBe("json");
  });

  test("a model that cannot do JSON is read as text", async () => {
    const [rig] = await start({}, { version: "0.6.0", answer: plainSpoken });
    rig.enter(0, 3);
    await until(() => rig.decision(3) === 1);
    expect(rig.inference.report().mode).toBe("text");
  });

  test("a mode that config asks for stays, and failure is said", async () => {
    const [rig] = await start({ plan: { mode: "logprobs" } }, { version: "0.12.0" });
    rig.enter(0, 3);
    await until(() => rig.told.length > 0);
    expect(rig.told[0]).toEqual([Outcome.error, Reason.unreadable]);
    expect(rig.inference.report().mode).toBe("logprobs");
  });
});
