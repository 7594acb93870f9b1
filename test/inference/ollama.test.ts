import { afterEach, describe, expect, test } from "bun:test";
import { InferenceFault, type FaultKind } from "../../src/inference/fault.ts";
import { OllamaClient } from "../../src/inference/ollama.ts";
import { freezeRequest } from "../../src/inference/request.ts";
import { readVerdict, uncalibrated } from "../../src/inference/verdict.ts";
import type { Fault } from "../support/ollama-fault.ts";
import { OllamaServer, type OllamaServerOptions } from "../support/ollama-server.ts";
import { until } from "../support/until.ts";

const request = freezeRequest({
  model: "llama3.2:3b",
  mode: "logprobs",
  raw: true,
  keepAliveS: -1,
  options: { temperature: 0, num_ctx: 1024 },
});
const never = new AbortController().signal;
const open: OllamaServer[] = [];

async function serve(options: OllamaServerOptions = {}): Promise<[OllamaServer, OllamaClient]> {
  const server = await new OllamaServer(options).start();
  open.push(server);
  return [server, clientOf(server)];
}

function clientOf(server: OllamaServer): OllamaClient {
  return new OllamaClient({
    url: server.url,
    bodyBytesMax: 65536,
    fetch: (url, init) => fetch(url, init),
    nowNs: () => Bun.nanoseconds(),
  });
}

async function faultOf(work: Promise<unknown>): Promise<InferenceFault> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(InferenceFault);
  return error as InferenceFault;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

describe("a healthy server", () => {
  test("says its version, its models and what is in memory", async () => {
    const [server, client] = await serve({ vramShare: 0.5 });
    await client.head(never);
    expect(await client.version(never)).toBe("0.33.0");
    expect(await client.digestOf("llama3.2:3b", never)).toBe(server.digest);
    expect(await client.digestOf("other", never)).toBeNull();
    expect(await client.loaded(server.digest, never)).toBeNull();
    await client.preload(request, never);
    const loaded = await client.loaded(server.digest, never);
    expect(loaded).toMatchObject({ digest: server.digest, contextLength: 1024 });
    expect(loaded!.vramBytes / loaded!.sizeBytes).toBeCloseTo(0.5, 6);
  });

  test("a question after the preload loads nothing again, and is read to a verdict", async () => {
    const [server, client] = await serve({ evalMs: 5 });
    await client.preload(request, never);
    const { body, timing } = await client.lane().ask(request, "state");
    const verdict = readVerdict(body, {
      mode: "logprobs",
      calibration: uncalibrated,
      marginMin: 0.1,
      labelMassMin: 0.1,
    });
    expect(verdict).toMatchObject({ decision: 1, reason: "answer" });
    expect(server.loadsStarted).toBe(1);
    const parts = timing.loadNs + timing.waitNs + timing.promptNs + timing.evalNs + timing.clientNs;
    expect(Math.abs(parts - timing.totalNs)).toBeLessThan(2);
    expect(timing.promptNs).toBeGreaterThan(1e6);
    expect(timing.evalNs).toBe(0);
  });

  test("questions of one lane share one connection", async () => {
    const [server, client] = await serve();
    const lane = client.lane();
    for (let i = 0; i < 50; i++) await lane.ask(request, `state ${i}`);
    expect(server.connections).toBe(1);
    expect(server.questions).toBe(50);
  });

  test("a slow load is waited for, and never cut", async () => {
    const [server, client] = await serve({ loadMs: 300 });
    await client.preload(request, never);
    expect(server).toMatchObject({ loadsStarted: 1, loadsKilled: 0, loadsDone: 1 });
  });

  test("a disconnect during the load kills it: why nothing here has a deadline", async () => {
    const [server, client] = await serve({ loadMs: 60_000 });
    const controller = new AbortController();
    const load = client.preload(request, controller.signal);
    await until(() => server.loadsStarted === 1);
    controller.abort();
    expect((await faultOf(load)).kind).toBe("hung");
    await until(() => server.loadsKilled === 1);
    expect(server.isLoaded).toBe(false);
  });
});

describe("a server in trouble", () => {
  const cases: [Fault, FaultKind, string][] = [
    ["404", "no-model", "not found"],
    ["500", "server", "unexpectedly stopped"],
    ["503", "busy", "maximum pending requests exceeded"],
    ["error-under-200", "server", "llama-server process has terminated"],
    ["garbage", "garbage", "no JSON"],
    ["flood", "garbage", "more than 65536 bytes"],
    ["cut", "cut", "closed"],
  ];
  test.each(cases)(
    "%s is %s, in the server's words, and the next question is fine",
    async (fault, kind, words) => {
      const [server, client] = await serve();
      const lane = client.lane();
      server.fault = fault;
      const error = await faultOf(lane.ask(request, "state"));
      expect(error.kind).toBe(kind);
      expect(error.message).toContain(words);
      server.fault = "none";
      expect((await lane.ask(request, "state")).body).toHaveProperty("logprobs");
    },
  );

  test("nobody there is refused, and a restart is enough", async () => {
    const [server, client] = await serve();
    await server.stop();
    expect((await faultOf(client.lane().ask(request, "state"))).kind).toBe("refused");
    expect((await faultOf(client.head(never))).kind).toBe("refused");
    await server.start();
    await client.lane().ask(request, "state");
  });

  test("a lane that hangs can be cut, and asks again afterwards", async () => {
    const [server, client] = await serve();
    const lane = client.lane();
    server.fault = "hang";
    const asked = lane.ask(request, "state");
    await until(() => server.openSockets === 1);
    lane.cut();
    expect((await faultOf(asked)).kind).toBe("hung");
    server.fault = "none";
    await lane.ask(request, "state");
  });

  test('the string "-1" for keep_alive is refused by the server: the number is sent', async () => {
    const [server] = await serve();
    const body = JSON.stringify({ ...request.body("x"), keep_alive: "-1" });
    const response = await fetch(`${server.url}/api/generate`, { method: "POST", body });
    expect(response.status).toBe(400);
  });
});
