import { expect, test } from "bun:test";
import { boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { Control, controlBytes, heartbeatThreads } from "../../src/thread/control.ts";
import { readinessOf } from "../../src/thread/ops-readiness.ts";

const heartbeatMs = 2000;

function rig() {
  const control = new Control(new SharedArrayBuffer(controlBytes(4)), 4);
  const board = openBoard(new SharedArrayBuffer(boardBytes())).reader();
  const store = { memoryOnly: false, problem: "" };
  return {
    control,
    readiness: (nowMs: number) =>
      readinessOf({ control, board, store, engine: "rules", heartbeatMs, nowMs }),
  };
}

test("a run is not ready before each of its threads has given a sign of life", () => {
  const { control, readiness } = rig();
  for (const thread of heartbeatThreads) {
    const { status, reasons } = readiness(500);
    expect(status).toBe("not ready");
    expect(reasons.map(({ message }) => message)).toContain(
      `the ${thread} thread has not started yet`,
    );
    control.beat(thread, 500);
  }
  expect(readiness(500)).toEqual({ status: "ready", reasons: [] });
});

test("a thread that is away is named until it is back", () => {
  const { control, readiness } = rig();
  for (const thread of heartbeatThreads) control.beat(thread, 500);
  for (const thread of heartbeatThreads) if (thread !== "feed") control.beat(thread, 3000);
  expect(readiness(3000)).toEqual({
    status: "not ready",
    reasons: [
      {
        part: "feed",
        status: "not ready",
        message: "the feed thread gives no sign of life for more than 2000 ms",
      },
    ],
  });
  control.beat("feed", 3000);
  expect(readiness(3000).status).toBe("ready");
});
