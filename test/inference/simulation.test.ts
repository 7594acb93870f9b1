/**
 * Inference under a random market and random servers, in virtual time: instruments come and go,
 * questions are answered, refused, lost or left hanging, hosts vanish and come back, models change.
 * Whatever happens, its promises hold; and once the weather is fair everybody has an answer.
 */
import { expect, test } from "bun:test";
import { createPrompt } from "../../src/inference/prompt.ts";
import { Rig } from "../support/inference-rig.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { ScriptedOllama } from "../support/scripted-ollama.ts";

const hosts = ["http://one:11434", "http://two:11434"];
const parallel = 3;
const states = 64;

function expectOncePerState({ questions }: ScriptedOllama, warmUp: string): void {
  const prompts = questions.map(({ prompt }) => prompt).filter((prompt) => prompt !== warmUp);
  expect(new Set(prompts).size).toBe(prompts.length);
}

test("promises hold in any weather, and fair weather answers everybody", async () => {
  const { next, int } = random(testSeed("inference simulation"));
  const ollama = new ScriptedOllama();
  for (const url of hosts) ollama.host(url);
  const rig = new Rig({
    hosts,
    fetch: ollama.fetch,
    realTime: false,
    pendingMax: 32,
    retryMs: 50,
    limits: { queueMax: 8, deadlineMs: 80 },
    hostLimits: { parallel, checkMs: 100, hungMs: 400 },
  });
  // A warm-up asks about the first state, beside a question about it.
  const warmUp = createPrompt({ ...rig.candidate.prompt, mode: "logprobs" }).of(
    new Uint32Array(5),
  )!;
  const where = new Map<number, number>();
  let digest = 0;

  for (let step = 0; step < scaled(4000); step++) {
    const dice = next();
    const question = ollama.questions[int(Math.max(1, ollama.questions.length))];
    if (dice < 0.5) {
      const instrument = int(100);
      where.set(instrument, int(states));
      rig.enter(instrument, where.get(instrument)!);
    } else if (dice < 0.8) question?.answer({ BUY: 0.6, SELL: 0.3, The: 0.1 });
    else if (dice < 0.85) question?.refuse(500, "model runner has unexpectedly stopped");
    else if (dice < 0.88) question?.refuse(503, "server busy");
    else if (dice < 0.9) question?.answer({ Once: 0.9, upon: 0.1 });
    else if (dice < 0.93) await rig.advance(int(20) * 5 + 5);
    else if (dice < 0.94) {
      // Down for one visit in four; up again at the next.
      const host = ollama.hosts.get(hosts[int(2)]!)!;
      host.isUp = host.isUp ? int(4) > 0 : true;
      host.isLoaded = false;
    } else if (dice < 0.945) {
      for (const host of ollama.hosts.values()) {
        host.digest = String(digest % 10).repeat(64);
        host.isLoaded = false;
      }
      digest++;
    } else await rig.advance(5);
    if (step % 4 === 0) rig.step();

    const { asking, queued } = rig.inference.report();
    expect(queued).toBeLessThanOrEqual(8);
    expect(asking).toBeLessThanOrEqual(parallel * hosts.length);
    // One warm-up a host may be on its way beside the slots.
    expect(ollama.questions.length).toBeLessThanOrEqual((parallel + 1) * hosts.length);
    if (step % 50 === 0) expectOncePerState(ollama, warmUp);
  }

  for (const host of ollama.hosts.values()) host.isUp = true;
  ollama.atOnce = { SELL: 0.9, HOLD: 0.1 };
  while (ollama.questions.length > 0) ollama.next.answer({ SELL: 0.9, HOLD: 0.1 });
  await rig.advance(3000, 10);
  for (let round = 0; round < 8; round++) {
    for (const [instrument, state] of where) rig.enter(instrument, state);
    await rig.advance(500, 10);
  }
  const report = rig.inference.report();
  expect(report).toMatchObject({ asking: 0, queued: 0 });
  for (const { inFlight, breaker, status } of report.hosts) {
    expect({ inFlight, status }).toEqual({ inFlight: 0, status: "ready" });
    // A host that nobody needed since is half-open still: only a question can close it.
    expect(breaker).not.toBe("open");
  }
  for (const state of where.values()) expect(rig.decision(state)).not.toBe(0);
  expect(rig.pending.size).toBe(0);
  // The weather was bad enough to mean something.
  const happened = ["coalesced", "failovers", "shed", "expired"].map((what) => rig.count(what));
  expect(Math.min(rig.count("ok"), rig.count("fail"))).toBeGreaterThan(20);
  expect(happened.filter((times) => times > 0).length).toBeGreaterThan(1);
  expect(rig.count("generations")).toBeGreaterThan(1);
  rig.close();
}, 60_000);
