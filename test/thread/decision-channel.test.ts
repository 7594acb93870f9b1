import { afterEach, expect, test } from "bun:test";
import type { Delivery } from "../../src/inference/outbox.ts";
import { DecisionSender, receiveDecisions } from "../../src/thread/decision-channel.ts";
import { until } from "../support/until.ts";

const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((end) => end.close()));

function delivery(state: string): Delivery {
  return { versions: [], decisions: [], uses: [{ version: "v", state, uses: 1, lastUsedMs: 0 }] };
}

function receiver(taken: string[], reports: unknown[] = []): void {
  open.push(
    receiveDecisions({
      delivery: ({ uses }) => taken.push(...uses.map(({ state }) => state)),
      report: (report) => reports.push(report),
    }),
  );
}

test("deliveries and reports arrive in order, as many as are taken", async () => {
  const taken: string[] = [];
  const reports: unknown[] = [];
  receiver(taken, reports);
  const sender = new DecisionSender(() => performance.now());
  open.push(sender);
  for (let i = 0; i < 50; i++) await until(() => sender.deliver(delivery(String(i))));
  sender.report({ engine: "rules" });
  await until(() => taken.length === 50 && reports.length === 1);
  expect(taken).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  expect(reports).toEqual([{ engine: "rules" }]);
});

test("the last delivery comes before the end", async () => {
  const taken: string[] = [];
  const end = receiveDecisions({
    delivery: ({ uses }) => taken.push(...uses.map(({ state }) => state)),
    report: () => undefined,
  });
  open.push(end);
  const sender = new DecisionSender(() => 0);
  expect(sender.deliver(delivery("last"))).toBe(true);
  sender.close();
  await end.ended;
  expect(taken).toEqual(["last"]);
});

test("without anybody to take them only a few are sent, and all of them again when ops is there", async () => {
  let nowMs = 0;
  const sender = new DecisionSender(() => nowMs);
  open.push(sender);
  const sent = (): number => {
    let count = 0;
    while (sender.deliver(delivery(String(count)))) count++;
    return count;
  };
  expect(sent()).toBe(4);
  nowMs = 4999;
  expect(sent()).toBe(0);
  nowMs = 5000;
  expect(sent()).toBe(0);
  // Ops is there, by its own word and not by the time that has passed.
  const taken: string[] = [];
  receiver(taken);
  await until(() => taken.length === 4 && sender.deliver(delivery("next")));
  await until(() => taken.length === 5);
  expect(taken).toEqual(["0", "1", "2", "3", "next"]);
});

test("what was under way when ops ended is taken by its next life", async () => {
  const [one, two]: [string[], string[]] = [[], []];
  const end = receiveDecisions({
    delivery: ({ uses }) => one.push(...uses.map(({ state }) => state)),
    report: () => undefined,
  });
  const sender = new DecisionSender(() => 0);
  open.push(sender);
  expect(sender.deliver(delivery("first"))).toBe(true);
  await until(() => one.length === 1);
  end.close();
  expect(sender.deliver(delivery("meanwhile"))).toBe(true);
  receiver(two);
  await until(() => two.includes("meanwhile"));
  expect(one).toEqual(["first"]);
});

test("what is sent again to an ops thread that was only slow is taken once", async () => {
  let nowMs = 0;
  const taken: string[] = [];
  receiver(taken);
  const sender = new DecisionSender(() => nowMs);
  open.push(sender);
  // Nothing is received before this test lets go: all of these wait.
  for (let i = 0; i < 4; i++) expect(sender.deliver(delivery(String(i)))).toBe(true);
  nowMs = 5000;
  expect(sender.deliver(delivery("full"))).toBe(false);
  await until(() => sender.deliver(delivery("last")));
  await until(() => taken.includes("last"));
  expect(taken).toEqual(["0", "1", "2", "3", "last"]);
});

test("what ops still took of the life before lets no more through", async () => {
  const sender = new DecisionSender(() => 0);
  const ops = new BroadcastChannel("hftedge-decisions");
  open.push(sender, ops);
  const { promise, resolve } = Promise.withResolvers<number>();
  ops.addEventListener("message", ({ data }: MessageEvent<{ sender: number }>) => {
    resolve(data.sender);
  });
  while (sender.deliver(delivery("x"))) continue;
  const ours = await promise;
  for (const sequence of [1, 2, 3, 57]) {
    ops.postMessage({ kind: "taken", sender: ours - 1, sequence });
  }
  // Messages come in order: when one of ours counts, the strange ones have come before it.
  ops.postMessage({ kind: "taken", sender: ours, sequence: 1 });
  await until(() => sender.deliver(delivery("y")));
  expect(sender.deliver(delivery("z"))).toBe(false);
});
