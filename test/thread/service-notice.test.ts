import { describe, expect, test } from "bun:test";
import type { Notifier } from "../../src/host/notify.ts";
import { Control, controlBytes, type HeartbeatThread } from "../../src/thread/control.ts";
import { beatAgeMs, lateThreads, ServiceNotice } from "../../src/thread/service-notice.ts";

const threads = ["main", "feed", "inference", "ops"] as const satisfies HeartbeatThread[];
const limitMs = 2000;

function rig(startMs = 10_000) {
  const control = new Control(new SharedArrayBuffer(controlBytes(4)), 4);
  const heard: string[] = [];
  const words: string[] = [];
  let fed = 0;
  const notifier: Notifier = {
    listening: true,
    watchdogMs: 5000,
    ready: (status) => heard.push(`ready ${status}`),
    status: (text) => heard.push(`status ${text}`),
    watchdog: () => heard.push("watchdog"),
    reloading: () => heard.push("reloading"),
    stopping: (status) => heard.push(`stopping ${status}`),
    close() {},
  };
  let nowMs = startMs;
  const notice = new ServiceNotice(notifier, {
    control,
    limitMs,
    nowMs: () => nowMs,
    onFed: () => void fed++,
    log: (level, text) => words.push(`${level}: ${text}`),
  });
  return {
    control,
    notice,
    heard,
    words,
    fed: () => fed,
    /** Time passes while all threads but the frozen ones give a sign of life. */
    pass(ms: number, frozen: readonly HeartbeatThread[] = []) {
      nowMs += ms;
      for (const thread of threads) if (!frozen.includes(thread)) control.beat(thread, nowMs);
    },
  };
}

describe("watchdog", () => {
  test("isFedWhileAllThreadsBeat", () => {
    const { notice, pass, heard, words, fed } = rig();
    for (let round = 0; round < 3; round++) {
      pass(1000);
      notice.check();
    }
    expect(heard).toEqual(["watchdog", "watchdog", "watchdog"]);
    expect(words).toEqual([]);
    expect(fed()).toBe(3);
  });

  for (const thread of threads) {
    test(`isSilentWhileAThreadIsFrozen: ${thread}`, () => {
      const { notice, pass, heard, words } = rig();
      pass(0);
      pass(limitMs, [thread]);
      notice.check();
      expect(heard).toEqual(["watchdog"]);
      pass(1, [thread]);
      notice.check();
      pass(60_000, [thread]);
      notice.check();
      expect(heard).toEqual(["watchdog"]);
      expect(words).toEqual([
        `error: the ${thread} thread gives no sign of life for more than ${limitMs} ms`,
      ]);
      pass(1);
      notice.check();
      expect(heard).toEqual(["watchdog", "watchdog"]);
      expect(words[1]).toBe(`info: the ${thread} thread is alive again`);
    });
  }

  test("aClockThatIsSetBackDoesNotHideAFrozenThread", () => {
    const { notice, pass, heard } = rig(3_600_000);
    pass(0);
    pass(limitMs + 1, ["feed"]);
    notice.check();
    pass(-3_000_000, ["feed"]);
    notice.check();
    expect(heard).toEqual([]);
    pass(20);
    notice.check();
    expect(heard).toEqual(["watchdog"]);
  });

  test("theAgeOfAHeartbeatIsRightWhereItsCellWraps", () => {
    const { control, pass } = rig(2 ** 31 - 500);
    pass(0);
    expect(beatAgeMs(control, "feed", 2 ** 31 + 500)).toBe(1000);
  });

  test("heartbeatsOfWeeksWrap", () => {
    const { control, pass } = rig(2 ** 31 - 500);
    pass(0);
    expect(lateThreads(control, 2 ** 31 + 500, limitMs)).toEqual([]);
    expect(lateThreads(control, 2 ** 31 + 5000, limitMs)).toEqual([...threads]);
    pass(1000);
    expect(lateThreads(control, 2 ** 31 + 1000, limitMs)).toEqual([]);
  });

  test("looksTwiceInALimitAndAsOftenAsItIsHungry", () => {
    expect(rig().notice.intervalMs).toBe(limitMs / 2);
  });
});

test("aReloadThatIsOverWhenTheRunStopsAlreadyIsNotAnnounced", () => {
  const { notice, heard } = rig();
  notice.stopping("SIGTERM");
  notice.reloading();
  notice.ready("1 feed");
  expect(heard).toEqual(["stopping SIGTERM"]);
});
