/** What depends on time, in virtual time: nothing here waits for a clock. */
import { afterEach, describe, expect, test } from "bun:test";
import { Outcome } from "../../src/decision/pending-slot.ts";
import { Reason } from "../../src/decision/signal.ts";
import { Rig, type RigOptions } from "../support/inference-rig.ts";
import { ScriptedOllama } from "../support/scripted-ollama.ts";

const one = "http://one:11434";
const two = "http://two:11434";
const open: Rig[] = [];
afterEach(() => open.splice(0).forEach((rig) => rig.close()));

async function start(
  hosts: string[],
  options: Partial<RigOptions> = {},
): Promise<[Rig, ScriptedOllama]> {
  const ollama = new ScriptedOllama();
  for (const url of hosts) ollama.host(url);
  ollama.atOnce = { BUY: 1 };
  const rig = new Rig({ hosts, fetch: ollama.fetch, realTime: false, ...options });
  open.push(rig);
  await rig.advance(100);
  expect(rig.inference.report().hosts.map((h) => h.status)).toEqual(hosts.map(() => "ready"));
  ollama.atOnce = null;
  ollama.asked = 0;
  return [rig, ollama];
}

describe("deadlines", () => {
  test("waiting ends at the deadline, the question does not, and its answer is kept", async () => {
    const limits = { deadlineMs: 100 };
    const [rig, ollama] = await start([one], { limits, hostLimits: { hungMs: 10_000 } });
    rig.enter(0, 5);
    await rig.advance(95);
    expect(rig.told).toEqual([]);
    await rig.advance(10);
    expect(rig.told).toEqual([[Outcome.timeout, Reason.deadline]]);
    expect(ollama.questions).toHaveLength(1);
    ollama.next.answer();
    await rig.settle();
    expect(rig.decision(5)).toBe(1);
    expect(rig.count("lateAnswers")).toBe(1);
  });

  test("a state that comes back after its deadline joins the question under way", async () => {
    const limits = { deadlineMs: 50 };
    const [rig, ollama] = await start([one], { limits, retryMs: 20 });
    rig.enter(0, 5);
    await rig.advance(200);
    expect(rig.told.length).toBeGreaterThan(1);
    expect(rig.count("coalesced")).toBeGreaterThan(0);
    expect(ollama.asked).toBe(1);
    ollama.next.answer();
    await rig.settle();
    await rig.advance(50);
    expect(rig.told.at(-1)).toEqual([Outcome.answered, Reason.none]);
    expect(ollama.asked).toBe(1);
  });

  test("a question that waits in the queue past its deadline is told, and never asked", async () => {
    const [rig, ollama] = await start([one], { limits: { deadlineMs: 50 }, retryMs: 10_000 });
    rig.enter(0, 1);
    await rig.settle();
    rig.enter(1, 2);
    await rig.advance(60);
    expect(rig.told).toEqual([
      [Outcome.timeout, Reason.deadline],
      [Outcome.timeout, Reason.deadline],
    ]);
    ollama.next.answer();
    await rig.settle();
    expect(ollama.asked).toBe(1);
    expect(rig.decision(2)).toBe(0);
  });

  test("a lane that hangs is cut long after the deadline, and then serves again", async () => {
    const limits = { deadlineMs: 50 };
    const [rig, ollama] = await start([one], { limits, hostLimits: { hungMs: 500 }, retryMs: 50 });
    rig.enter(0, 1);
    await rig.advance(490);
    const hung = ollama.next;
    expect(hung.isAborted).toBe(false);
    await rig.advance(100);
    expect(hung.isAborted).toBe(true);
    await rig.advance(200);
    ollama.next.answer();
    await rig.settle();
    expect(rig.decision(1)).toBe(1);
  });
});

describe("a model that is replaced under its name", () => {
  const replaced = { digest: "b".repeat(64), isLoaded: false };

  test("an answer that comes after that was seen is nobody's: not used, and asked for again", async () => {
    const [rig, ollama] = await start([one], { retryMs: 10_000, hostLimits: { hungMs: 100_000 } });
    rig.enter(0, 5);
    await rig.settle();
    const old = ollama.next;
    Object.assign(ollama.hosts.get(one)!, replaced);
    await rig.advance(100);
    expect(rig.inference.report().hosts[0]!.status).toBe("warming");
    // Either model may have given it: the server loads the new one for whoever asks next.
    old.answer({ BUY: 1 });
    await rig.settle();
    expect(rig.decision(5)).toBe(0);
    ollama.atOnce = { SELL: 1 };
    ollama.next.answer({ SELL: 1 });
    await rig.advance(200);
    expect(rig.inference.unproven).toBe(0);
    const kept = rig.deliveries.flatMap(({ decisions }) => decisions);
    expect(kept.filter(({ decision }) => decision === "BUY")).toEqual([]);
  });

  test("a host that has another digest is not even asked in the moment before it is known", async () => {
    const hostLimits = { hungMs: 100_000 };
    const [rig, ollama] = await start([one, two], { retryMs: 10_000, hostLimits });
    Object.assign(ollama.hosts.get(one)!, replaced);
    await rig.advance(100);
    expect(rig.inference.report().hosts.map((h) => h.status)).toEqual(["warming", "ready"]);
    const warmUp = ollama.next;
    rig.enter(0, 5);
    rig.enter(1, 6);
    await rig.settle();
    const [, question] = ollama.questions;
    expect(question!.host).toBe(two);
    // Both come in the same turn: one is ready, and the lane of two is free.
    warmUp.answer({ SELL: 1 });
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(rig.inference.report().hosts[0]!.status).toBe("ready");
    question!.answer({ BUY: 1 });
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(ollama.questions.map(({ host }) => host)).toEqual([two]);
  });
});

test("nothing is asked any more once it is closed", async () => {
  const [rig, ollama] = await start([one, two]);
  rig.enter(0, 5);
  await rig.settle();
  expect(ollama.questions).toHaveLength(1);
  rig.inference.close();
  for (let i = 0; i < 50; i++) await Promise.resolve();
  expect(ollama.questions).toEqual([]);
  expect(ollama.asked).toBe(1);
});

describe("the queue", () => {
  test("a renewal that somebody comes to wait for is asked like any miss", async () => {
    const limits = { maxAgeS: 60, maxStaleS: 600 };
    const [rig, ollama] = await start([one], { limits, retryMs: 10_000 });
    rig.enter(0, 1);
    await rig.settle();
    const key = new Uint32Array(rig.space.keyWords);
    rig.space.keyOf(5, key);
    rig.pending.refresh(key, 5, rig.nowMs);
    rig.enter(1, 6);
    await rig.settle();
    // By now its answer is too old to serve, and two wait for the new one.
    rig.pending.miss(2, key, 5, rig.nowMs);
    rig.pending.miss(3, key, 5, rig.nowMs);
    await rig.settle();
    for (const state of [1, 5, 6]) {
      ollama.next.answer();
      await rig.settle();
      expect(rig.decision(state)).toBe(1);
    }
  });

  test("when full the state with the fewest waiting is shed, with its reason", async () => {
    const [rig, ollama] = await start([one], { limits: { queueMax: 2 }, retryMs: 10_000 });
    rig.enter(0, 1);
    await rig.settle();
    for (const [instrument, state] of [
      [1, 2],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 4],
    ] as const) {
      rig.enter(instrument, state);
    }
    await rig.settle();
    expect(rig.told).toEqual([[Outcome.error, Reason.queueFull]]);
    expect(rig.count("shed")).toBe(1);
    for (const state of [1, 2, 4]) {
      ollama.next.answer();
      await rig.settle();
      expect(rig.decision(state)).toBe(1);
    }
    expect(rig.decision(3)).toBe(0);
  });

  test("a state that was left before it was asked about is not asked about", async () => {
    const [rig, ollama] = await start([one], { pendingMax: 2 });
    rig.enter(0, 1);
    await rig.settle();
    rig.enter(1, 2);
    await rig.settle();
    // The instrument moves on; its slot is needed by another state.
    rig.enter(1, 3);
    rig.enter(1, 4);
    await rig.settle();
    ollama.next.answer();
    await rig.settle();
    expect(rig.count("expired")).toBeGreaterThan(0);
    expect(ollama.questions).toHaveLength(1);
    ollama.next.answer();
    await rig.settle();
    expect([2, 3, 4].map((state) => rig.decision(state))).toEqual([0, 0, 1]);
  });
});

test("a server that reloads while every slot is taken is warmed up all the same", async () => {
  const [rig, ollama] = await start([one], { hostLimits: { hungMs: 100_000 } });
  rig.enter(0, 1);
  await rig.settle();
  // The model's runner died: the question under way hangs, and the model has to be loaded again.
  ollama.hosts.get(one)!.isLoaded = false;
  await rig.advance(100);
  expect(rig.inference.report().hosts[0]!.status).toBe("warming");
  expect(ollama.questions).toHaveLength(2);
  ollama.questions[1]!.answer();
  await rig.settle();
  expect(rig.inference.report().hosts[0]!.status).toBe("ready");
  ollama.next.refuse(500, "model runner has unexpectedly stopped");
  await rig.advance(100);
  ollama.next.answer();
  await rig.settle();
  expect(rig.decision(1)).toBe(1);
});

test("a warm-up that fails is tried again, though the model is in memory by then", async () => {
  const [rig, ollama] = await start([one], { hostLimits: { hungMs: 100_000 } });
  ollama.hosts.get(one)!.isLoaded = false;
  await rig.advance(100);
  ollama.next.refuse(500, "model runner has unexpectedly stopped");
  await rig.settle();
  expect(rig.inference.report().hosts[0]!.status).toBe("down");
  ollama.atOnce = { BUY: 1 };
  await rig.advance(500);
  expect(rig.inference.report().hosts[0]!.status).toBe("ready");
});

describe("several hosts", () => {
  test("the host with the least expected wait is asked", async () => {
    const [rig, ollama] = await start([one, two], { hostLimits: { parallel: 4 } });
    for (let state = 0; state < 4; state++) rig.enter(state, state);
    await rig.settle();
    const perHost = (url: string): number => ollama.questions.filter((q) => q.host === url).length;
    // Equal speed: the load is shared.
    expect(perHost(one)).toBe(2);
    expect(perHost(two)).toBe(2);
  });

  test("a failed question moves to the other host, and the breaker opens by and by", async () => {
    const breaker = { failuresMax: 3, openMs: 1000, openMsMax: 1000 };
    const [rig, ollama] = await start([one, two], { hostLimits: { breaker }, retryMs: 10_000 });
    const failing = ollama.fetch;
    let failed = 0;
    for (let state = 0; state < 12; state++) {
      rig.enter(0, state);
      await rig.settle();
      if (ollama.next.host === one) {
        failed++;
        ollama.next.refuse(500, "model runner has unexpectedly stopped");
        await rig.settle();
      }
      expect(ollama.next.host).toBe(two);
      ollama.next.answer();
      await rig.settle();
      expect(rig.decision(state)).toBe(1);
    }
    expect(failing).toBe(ollama.fetch);
    expect(failed).toBe(3);
    expect(rig.count("failovers")).toBe(3);
    expect(rig.count("breakerOpened")).toBe(1);
    expect(rig.inference.report().hosts.map((h) => h.breaker)).toEqual(["open", "closed"]);
    await rig.advance(1000);
    rig.enter(0, 100);
    rig.enter(1, 101);
    await rig.settle();
    while (ollama.questions.length > 0) ollama.next.answer();
    await rig.settle();
    expect(rig.inference.report().hosts.map((h) => h.breaker)).toEqual(["closed", "closed"]);
  });

  test("a breaker that is half-open lets one question through, also between two turns of the loop", async () => {
    const breaker = { failuresMax: 1, openMs: 20, openMsMax: 20 };
    const [rig, ollama] = await start([one, two], {
      hostLimits: { breaker, parallel: 4, checkMs: 10_000 },
      retryMs: 10_000,
    });
    rig.enter(0, 0);
    await rig.settle();
    expect(ollama.next.host).toBe(one);
    ollama.next.refuse(500, "model runner has unexpectedly stopped");
    await rig.settle();
    for (let state = 1; state < 10; state++) rig.enter(state, state);
    await rig.settle();
    expect(ollama.questions.map(({ host }) => host)).toEqual([two, two, two, two]);
    // The breaker's time is over, and the loop has not come round yet.
    rig.nowMs += 20;
    ollama.next.answer();
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(rig.inference.report().hosts[0]!.breaker).toBe("half-open");
    expect(ollama.questions.filter(({ host }) => host === one)).toHaveLength(1);
  });

  test("a question slower than nearly all is asked of a second host; the first answer counts", async () => {
    const limits = { hedge: true, deadlineMs: 60_000 };
    const [rig, ollama] = await start([one, two], { limits });
    for (let state = 0; state < 60; state++) {
      rig.enter(0, state);
      await rig.settle();
      ollama.next.answer();
      await rig.settle();
    }
    rig.enter(0, 200);
    await rig.settle();
    expect(ollama.questions).toHaveLength(1);
    const slow = ollama.next;
    await rig.advance(20);
    expect(rig.count("hedges")).toBe(1);
    expect(ollama.questions.map((q) => q.prompt)).toEqual([slow.prompt, slow.prompt]);
    const second = ollama.questions.find((q) => q !== slow)!;
    expect(second.host).not.toBe(slow.host);
    second.answer({ SELL: 1 });
    await rig.settle();
    expect(rig.decision(200)).toBe(2);
    expect(rig.count("hedgesWon")).toBe(1);
    slow.answer({ BUY: 1 });
    await rig.settle();
    expect(rig.decision(200)).toBe(2);
    expect(rig.told.filter(([outcome]) => outcome !== Outcome.answered)).toEqual([]);
  });

  test("a host with another digest of the model is not asked while one with the old is there", async () => {
    const [rig, ollama] = await start([one, two]);
    const { version } = rig.inference.report();
    ollama.atOnce = { SELL: 1 };
    Object.assign(ollama.hosts.get(one)!, { digest: "b".repeat(64), isLoaded: false });
    await rig.advance(200);
    expect(rig.inference.report().hosts.map((h) => h.status)).toEqual(["other-model", "ready"]);
    expect(rig.inference.report().version).toBe(version);
    ollama.hosts.get(two)!.isUp = false;
    await rig.advance(200);
    expect(rig.inference.report().version).not.toBe(version);
    expect(rig.inference.report().hosts.map((h) => h.status)).toEqual(["ready", "down"]);
  });
});

describe("stale-while-revalidate", () => {
  test("an old answer serves while one refresh runs; the new one replaces it", async () => {
    const [rig, ollama] = await start([one], { limits: { maxAgeS: 60, maxStaleS: 600 } });
    rig.enter(0, 5);
    await rig.settle();
    ollama.next.answer({ BUY: 1 });
    await rig.settle();
    rig.epochS += 61;
    const key = new Uint32Array(rig.space.keyWords);
    rig.space.keyOf(5, key);
    expect(rig.pending.refresh(key, 5, rig.nowMs)).toBe(true);
    expect(rig.pending.refresh(key, 5, rig.nowMs)).toBe(false);
    await rig.settle();
    expect(ollama.questions).toHaveLength(1);
    expect(rig.decision(5)).toBe(1);
    ollama.next.answer({ SELL: 1 });
    await rig.settle();
    expect(rig.decision(5)).toBe(2);
    expect(rig.count("refreshes")).toBe(1);
  });

  test("an answer past maxStale does not count as one: the state is asked about", async () => {
    const [rig, ollama] = await start([one], { limits: { maxAgeS: 60, maxStaleS: 600 } });
    rig.enter(0, 5);
    await rig.settle();
    ollama.next.answer();
    await rig.settle();
    rig.epochS += 601;
    const key = new Uint32Array(rig.space.keyWords);
    rig.space.keyOf(5, key);
    rig.pending.miss(0, key, 5, rig.nowMs);
    await rig.settle();
    expect(ollama.questions).toHaveLength(1);
  });
});

describe("the shadow", () => {
  const features = [
    { feature: "spread", edges: [1.5] },
    { feature: "imbalance", edges: [-0.5, 0.5] },
  ] as const;
  const state = { preset: "custom", features } as const;

  test("is warmed beside the deciding one, compared with it, and takes over whole", async () => {
    const ollama = new ScriptedOllama();
    ollama.host(one);
    ollama.atOnce = { BUY: 0.8, SELL: 0.2 };
    const shadowPrompt = { ...emptyPrompt, context: "central bank today: be cautious" };
    const rig = new Rig({
      hosts: [one],
      fetch: ollama.fetch,
      realTime: false,
      state,
      limits: { warm: "all" },
    });
    open.push(rig);
    await rig.advance(200);
    expect(rig.inference.report().warm!.finished).toBe(true);
    const before = rig.inference.report().version;
    expect(rig.inference.switchToShadow()).toBe(false);

    ollama.atOnce = { HOLD: 0.6, BUY: 0.4 };
    rig.cast({ prompt: { ...rig.candidate.prompt, ...shadowPrompt } });
    await rig.advance(300);
    const { shadow } = rig.inference.report();
    expect(shadow!.warm).toMatchObject({ finished: true, done: 12 });
    expect(shadow!.comparison).toMatchObject({ compared: 12, agreement: 0, opposition: 0 });
    expect(shadow!.comparison.matrix["BUY"]!["HOLD"]).toBe(12);
    expect(shadow!.comparison.meanConfidence!.active).toBeCloseTo(0.8, 4);
    expect(shadow!.version).not.toBe(before);
    // While it is warmed the other decides.
    for (let i = 0; i < 12; i++) expect(rig.decision(i)).toBe(1);

    expect(rig.inference.switchToShadow()).toBe(true);
    await rig.settle();
    expect(rig.inference.report().version).toBe(shadow!.version);
    expect(rig.inference.report().shadow).toBeNull();
    for (let i = 0; i < 12; i++) expect(rig.decision(i)).toBe(3);
  });

  test("takes over by itself where config lets it, and only when it agrees", async () => {
    for (const [tokens, takesOver] of [
      [{ BUY: 0.9, HOLD: 0.1 }, true],
      [{ SELL: 0.9, HOLD: 0.1 }, false],
    ] as const) {
      const ollama = new ScriptedOllama();
      ollama.host(one);
      ollama.atOnce = { BUY: 0.8, SELL: 0.2 };
      const limits = { warm: "all", takeOverAgreement: 0.9 } as const;
      const rig = new Rig({ hosts: [one], fetch: ollama.fetch, realTime: false, state, limits });
      open.push(rig);
      await rig.advance(200);
      const before = rig.inference.report().version;
      ollama.atOnce = tokens;
      rig.cast({ prompt: { ...rig.candidate.prompt, context: "another day" } });
      await rig.advance(400);
      expect(rig.inference.report().version !== before).toBe(takesOver);
      expect(rig.decision(5)).toBe(1);
    }
  });

  test("takes a server's slots as the deciding one does: together no more than there are", async () => {
    const ollama = new ScriptedOllama();
    for (const url of [one, two]) ollama.host(url);
    ollama.atOnce = { BUY: 1 };
    const rig = new Rig({ hosts: [one, two], fetch: ollama.fetch, realTime: false, state });
    open.push(rig);
    await rig.advance(100);
    rig.cast({ prompt: { ...rig.candidate.prompt, context: "another" }, warmUps: 0 });
    ollama.atOnce = null;
    await rig.advance(100);
    expect(ollama.questions.map(({ host }) => host)).toEqual([one]);
    for (let i = 1; i < 4; i++) rig.enter(i, i);
    await rig.settle();
    expect(ollama.questions.map(({ host }) => host)).toEqual([one, two]);
    ollama.next.answer();
    await rig.settle();
    expect(ollama.questions.map(({ host }) => host)).toEqual([two, one]);
    while ([1, 2, 3].some((i) => rig.decision(i) === 0)) {
      ollama.next.answer({ SELL: 1 });
      await rig.settle();
      for (const url of [one, two]) {
        expect(ollama.questions.filter(({ host }) => host === url).length).toBeLessThanOrEqual(1);
      }
    }
    expect([1, 2, 3].map((i) => rig.decision(i))).toEqual([2, 2, 2]);
  });

  test("gives way to live questions", async () => {
    const ollama = new ScriptedOllama();
    ollama.host(one);
    ollama.atOnce = { BUY: 1 };
    const rig = new Rig({ hosts: [one], fetch: ollama.fetch, realTime: false, state });
    open.push(rig);
    await rig.advance(100);
    rig.enter(0, 1);
    await rig.settle();
    ollama.atOnce = null;
    rig.cast({ prompt: { ...rig.candidate.prompt, context: "another" } });
    await rig.advance(100);
    while (ollama.questions.length > 0 && rig.inference.report().shadow === null) {
      ollama.next.answer();
      await rig.advance(20);
    }
    expect(ollama.questions).toHaveLength(1);
    rig.enter(0, 2);
    await rig.settle();
    ollama.next.answer();
    await rig.settle();
    ollama.next.answer({ SELL: 1 });
    await rig.settle();
    expect(rig.decision(2)).toBe(2);
  });
});

const emptyPrompt = { template: "", allowedSymbols: [] };
