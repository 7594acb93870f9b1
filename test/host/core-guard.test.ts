import { describe, expect, test } from "bun:test";
import {
  clearCore,
  humbleCleaners,
  type CoreGuardCalls,
  listThreads,
} from "../../src/host/core-guard.ts";
import { threadCpus, threadId } from "../../src/host/libc.ts";

function machineOf(threads: Record<string, number[]>, refusing: readonly string[] = []) {
  const names = Object.keys(threads);
  const calls: CoreGuardCalls = {
    list: () => names.map((name, index) => ({ id: index + 1, name })),
    cpusOf: (id) => threads[names[id - 1]!]!,
    place(id, cpus) {
      const name = names[id - 1]!;
      if (refusing.includes(name)) return 1;
      threads[name] = [...cpus];
      return 0;
    },
  };
  return { calls, threads };
}

describe("a core kept to one thread", () => {
  test("everybody else leaves it, also who was made by its owner", () => {
    const { calls, threads } = machineOf({
      feed: [2],
      hftedge: [0, 1, 2, 3],
      JITWorker: [2],
      HeapHelper: [0, 1, 2, 3],
      ops: [0, 1],
    });
    const { moved } = clearCore(2, 1, [0, 1, 2, 3], calls);
    expect(moved).toEqual(["hftedge", "JITWorker", "HeapHelper"]);
    expect(threads).toEqual({
      feed: [2],
      hftedge: [0, 1, 3],
      JITWorker: [0, 1, 3],
      HeapHelper: [0, 1, 3],
      ops: [0, 1],
    });
    expect(clearCore(2, 1, [0, 1, 2, 3], calls).moved).toEqual([]);
  });

  test("where it is the only one, nobody moves", () => {
    const { calls, threads } = machineOf({ feed: [0], main: [0] });
    expect(clearCore(0, 1, [0], calls).moved).toEqual([]);
    expect(threads["main"]).toEqual([0]);
  });

  test("a thread that may not be moved is named", () => {
    const { calls } = machineOf({ feed: [0], main: [0, 1] }, ["main"]);
    expect(clearCore(0, 1, [0, 1], calls).refused).toEqual(["main"]);
  });

  test("the threads of this process are found by name", () => {
    const threads = listThreads();
    expect(threads.map(({ id }) => id)).toContain(threadId());
    expect(threads.length).toBeGreaterThan(1);
    expect(threadCpus(threadId()).length).toBeGreaterThan(0);
    expect(listThreads("/nonexistent")).toEqual([]);
  });
});

test("the allocator's cleaner goes after everything else", () => {
  const set: [number, number][] = [];
  const threads = [
    { id: 1, name: "hftedge" },
    { id: 2, name: "mi-scavenger" },
    { id: 3, name: "JITWorker" },
  ];
  const found = humbleCleaners(
    () => threads,
    (nice, id) => set.push([nice, id]),
  );
  expect(found).toBe(1);
  expect(set).toEqual([[19, 2]]);
});
