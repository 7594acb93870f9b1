import { expect, test } from "bun:test";
import { byUrgency, Queue, type Question } from "../../src/inference/queue.ts";

function question(waiting: number, lastSeenMs: number, refresh = false): Question {
  return {
    text: `${waiting}/${lastSeenMs}`,
    key: new Uint32Array(1),
    index: 0,
    slot: 0,
    version: 1,
    refresh,
    waiting,
    lastSeenMs,
    admittedMs: 0,
  };
}

test("whom most wait for comes first, then the most recent, and renewals last", () => {
  const queue = new Queue(8);
  for (const q of [question(1, 5), question(9, 1, true), question(3, 1), question(1, 9)]) {
    expect(queue.offer(q)).toBeNull();
  }
  const order = [queue.take(), queue.take(), queue.take(), queue.take()].map((q) => q!.text);
  expect(order).toEqual(["3/1", "1/9", "1/5", "9/1"]);
  expect(queue.take()).toBeNull();
});

test("when full the least wanted goes, and between equals the newest stays", () => {
  const queue = new Queue(2);
  queue.offer(question(1, 1));
  queue.offer(question(5, 1));
  expect(queue.offer(question(1, 2))!.text).toBe("1/1");
  expect(queue.offer(question(1, 1))!.text).toBe("1/1");
  expect(queue.offer(question(1, 2))!.text).toBe("1/2");
  expect(queue.size).toBe(2);
  expect(new Queue(0).offer(question(1, 1))!.text).toBe("1/1");
});

test("agrees with a sorted list over random offers, takes and departures", () => {
  const seed = Number(process.env["HFTEDGE_TEST_SEED"] ?? 20260131);
  console.log(`queue seed ${seed}`);
  let x = seed >>> 0;
  const random = (n: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * n);
  };
  const queue = new Queue(16);
  let model: Question[] = [];
  for (let step = 0; step < 20_000; step++) {
    const kind = random(10);
    if (kind < 6) {
      // Distinct times keep the order total, so that both must agree on who is shed.
      const offered = question(random(5), step, random(4) === 0);
      const shed = queue.offer(offered);
      model.push(offered);
      model.sort(byUrgency);
      expect(shed).toBe(model.length > 16 ? model.pop()! : null);
    } else if (kind < 9) {
      expect(queue.take()).toBe(model.shift() ?? null);
    } else {
      const out = random(5);
      const left: Question[] = [];
      queue.sift(
        (q) => q.waiting === out,
        (q) => left.push(q),
      );
      expect(left.length).toBe(model.filter((q) => q.waiting === out).length);
      model = model.filter((q) => q.waiting !== out);
    }
    expect(queue.size).toBe(model.length);
  }
});
