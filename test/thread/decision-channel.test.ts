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

test("without anybody to take them only a few are sent, and one more now and then", async () => {
  let nowMs = 0;
  const sender = new DecisionSender(() => nowMs);
  open.push(sender);
  const sent = (): number => {
    let count = 0;
    while (sender.deliver(delivery("x"))) count++;
    return count;
  };
  expect(sent()).toBe(4);
  nowMs = 4999;
  expect(sent()).toBe(0);
  nowMs = 5000;
  expect(sent()).toBeLessThanOrEqual(4);
  // Ops comes back: what follows is taken again.
  const taken: string[] = [];
  receiver(taken);
  nowMs = 20_000;
  await until(() => {
    nowMs += 5000;
    return sender.deliver(delivery("back")) && taken.includes("back");
  });
});

test("what ops still took of the life before lets no more through", async () => {
  const sender = new DecisionSender(() => 0);
  const ops = new BroadcastChannel("hftedge-decisions");
  open.push(sender, ops);
  while (sender.deliver(delivery("x"))) continue;
  ops.postMessage({ kind: "taken", sequence: 57 });
  // Messages come in order: when one of ours counts, the strange one has come before it.
  ops.postMessage({ kind: "taken", sequence: 1 });
  await until(() => sender.deliver(delivery("y")));
  expect(sender.deliver(delivery("z"))).toBe(false);
});
