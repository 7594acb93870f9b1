/** The pending table against a naive model, and its bounds. */
import { describe, expect, test } from "bun:test";
import { pendingFull, PendingTable } from "../../src/decision/pending.ts";
import { Outcome, pendingBytes, PendingKind } from "../../src/decision/pending-slot.ts";
import { PendingView } from "../../src/decision/pending-view.ts";
import { random as randomOf } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const seed = testSeed("decision/pending");

function open(capacity: number, instruments = 64) {
  const memory = new SharedArrayBuffer(pendingBytes(capacity));
  const table = new PendingTable(memory, capacity, instruments, 2, 1000);
  return { memory, table, view: new PendingView(memory, capacity) };
}

const key = (state: number): Uint32Array => Uint32Array.of(state, state ^ 0x55);

describe("a question", () => {
  test("shows its key, its waiters and when it was seen", () => {
    const { table, view } = open(4);
    const slot = table.miss(1, key(7), 7, 100);
    table.miss(2, key(7), 7, 150);
    const out = new Uint32Array(2);
    expect(view.readKey(slot, view.version(slot), out)).toBe(true);
    expect([...out]).toEqual([...key(7)]);
    expect([view.waiting(slot), view.firstSeenMs(slot), view.lastSeenMs(slot)]).toEqual([
      2, 100, 150,
    ]);
    expect([view.index(slot), view.kind(slot)]).toEqual([7, PendingKind.miss]);
  });

  test("is not read under a version that it no longer has", () => {
    const { table, view } = open(4);
    const slot = table.miss(1, key(7), 7, 100);
    const version = view.version(slot);
    table.settle(slot);
    expect(view.readKey(slot, version, new Uint32Array(2))).toBe(false);
    expect(table.isCurrent(slot, version)).toBe(false);
  });

  test("of a thread that was started again is withdrawn, and versions go on", () => {
    const { memory, table, view } = open(4);
    const slot = table.miss(1, key(7), 7, 100);
    const version = view.version(slot);
    const next = new PendingTable(memory, 4, 64, 2, 1000);
    expect(view.version(slot)).toBe(0);
    const again = next.miss(1, key(7), 7, 100);
    expect(view.version(again)).toBeGreaterThan(version);
  });

  test("that was answered before the thread was started again lends its version to no other", () => {
    const { memory, table, view } = open(4);
    const slot = table.miss(1, key(7), 7, 100);
    const version = view.version(slot);
    table.settle(slot);
    const next = new PendingTable(memory, 4, 64, 2, 1000);
    expect(view.version(next.miss(1, key(8), 8, 100))).toBeGreaterThan(version);
  });

  test("that is asked anew keeps who waits, under another version", () => {
    const { table, view } = open(4);
    const slot = table.miss(1, key(7), 7, 100);
    const version = view.version(slot);
    table.askAgain(slot);
    expect(table.isCurrent(slot, version)).toBe(false);
    expect(table.isCurrent(slot, view.version(slot))).toBe(true);
    expect([table.first(slot), view.waiting(slot)]).toEqual([1, 1]);
  });

  test("of a renewal that somebody comes to wait for is a miss like any other", () => {
    const { table, view } = open(4);
    table.refresh(key(1), 1, 0);
    expect([view.kind(0), table.isRenewal(0)]).toEqual([PendingKind.refresh, true]);
    const slot = table.miss(1, key(1), 1, 10);
    expect([slot, view.kind(0), table.isRenewal(0)]).toEqual([0, PendingKind.miss, false]);
  });
});

describe("a full table", () => {
  test("refuses when somebody waits in every slot", () => {
    const { table } = open(2);
    table.miss(1, key(1), 1, 0);
    table.miss(2, key(2), 2, 0);
    expect(table.miss(3, key(3), 3, 0)).toBe(pendingFull);
    expect(table.size).toBe(2);
  });

  test("has room for an instrument that moves on: its own slot, where nobody else waits", () => {
    const { table, view } = open(2);
    const left = table.miss(1, key(1), 1, 0);
    table.miss(2, key(2), 2, 0);
    expect(table.miss(1, key(3), 3, 1)).toBe(left);
    expect([view.index(left), view.waiting(left)]).toEqual([3, 1]);
    table.miss(3, key(3), 3, 1);
    expect(table.miss(1, key(4), 4, 2)).toBe(pendingFull);
    expect(view.waiting(left)).toBe(1);
  });

  test("drops the question nobody waits for that was seen longest ago", () => {
    const { table, view } = open(2);
    const old = table.miss(1, key(1), 1, 10);
    table.miss(2, key(2), 2, 20);
    table.leave(1);
    table.leave(2);
    expect(table.miss(3, key(3), 3, 30)).toBe(old);
    expect(view.index(old)).toBe(3);
    expect(table.evictions).toBe(1);
  });
});

describe("a failure", () => {
  test("withdraws the question until the retry time, and keeps who waits", () => {
    const { table, view } = open(4);
    const slot = table.miss(1, key(1), 1, 0);
    table.fail(slot, Outcome.timeout, 16, 0);
    expect([view.version(slot), table.failure(slot), table.failureReason(slot)]).toEqual([
      0,
      Outcome.timeout,
      16,
    ]);
    expect(table.miss(1, key(1), 1, 999)).toBe(slot);
    expect(view.version(slot)).toBe(0);
    table.miss(1, key(1), 1, 1000);
    expect(view.version(slot)).not.toBe(0);
    expect(table.failure(slot)).toBe(0);
  });

  test("that nobody waits for is forgotten by the sweep", () => {
    const { table } = open(4);
    const slot = table.miss(1, key(1), 1, 0);
    table.fail(slot, Outcome.error, 15, 0);
    table.leave(1);
    for (let i = 0; i < 4; i++) table.sweepOne(2000);
    expect(table.size).toBe(0);
  });

  test("of a refresh leaves no trace: the old answer still stands", () => {
    const { table, view } = open(4);
    expect(table.refresh(key(1), 1, 0)).toBe(true);
    expect(table.refresh(key(1), 1, 0)).toBe(false);
    expect(view.kind(0)).toBe(PendingKind.refresh);
    table.fail(0, Outcome.error, 15, 0);
    expect(table.size).toBe(0);
  });
});

test(`against a naive model (seed ${seed})`, () => {
  const random = randomOf(seed).next;
  const { table, view } = open(24, 40);
  /** state → instruments that wait. */
  const model = new Map<number, Set<number>>();
  const slots = new Map<number, number>();
  const forget = (instrument: number): void => {
    for (const waiting of model.values()) waiting.delete(instrument);
  };
  for (let step = 0; step < scaled(100_000); step++) {
    const instrument = Math.floor(random() * 40);
    const state = Math.floor(random() * 20);
    const action = random();
    if (action < 0.6) {
      const slot = table.miss(instrument, key(state), state, step);
      forget(instrument);
      if (!model.has(state)) model.set(state, new Set());
      model.get(state)!.add(instrument);
      if (slots.has(state)) expect(slot).toBe(slots.get(state)!);
      slots.set(state, slot);
    } else if (action < 0.8) {
      table.leave(instrument);
      forget(instrument);
    } else if (slots.has(state)) {
      table.settle(slots.get(state)!);
      slots.delete(state);
      model.delete(state);
    }
    if (step % 100 !== 0) continue;
    expect(table.size).toBe(slots.size);
    for (const [known, slot] of slots) {
      expect(view.waiting(slot)).toBe(model.get(known)!.size);
      const waiting = new Set<number>();
      for (let at = table.first(slot); at >= 0; at = table.following(at)) waiting.add(at);
      expect(waiting).toEqual(model.get(known)!);
    }
  }
});
