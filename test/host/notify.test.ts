import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openNotifier, socketAddress } from "../../src/host/notify.ts";
import { emptyDirectory } from "../support/directory.ts";
import { notifySocket } from "../support/notify-socket.ts";

describe("notifier", () => {
  for (const kind of ["path", "abstract"]) {
    test(`messagesArriveInOrderOver: ${kind}`, () => {
      using folder = emptyDirectory();
      const path = join(folder.path, "notify");
      using manager = notifySocket(kind === "path" ? path : `@${path}`);
      const notifier = openNotifier({ NOTIFY_SOCKET: manager.name }, 1);
      notifier.ready("2 feeds\nand more");
      notifier.watchdog();
      notifier.status("busy");
      notifier.reloading(123_456.7);
      notifier.stopping("draining");
      notifier.close();
      expect(manager.read()).toEqual([
        "READY=1\nSTATUS=2 feeds and more",
        "WATCHDOG=1",
        "STATUS=busy",
        "RELOADING=1\nMONOTONIC_USEC=123456",
        "STOPPING=1\nSTATUS=draining",
      ]);
    });
  }

  test("noManagerIsSilence", () => {
    const notifier = openNotifier({}, 1, (reason) => expect.unreachable(reason));
    notifier.ready("x");
    expect([notifier.listening, notifier.watchdogMs]).toEqual([false, null]);
  });

  test("vanishedManagerIsSaidOnce", () => {
    const reasons: string[] = [];
    const notifier = openNotifier({ NOTIFY_SOCKET: "/dev/null/none/socket" }, 1, (reason) =>
      reasons.push(reason),
    );
    notifier.ready("x");
    notifier.watchdog();
    expect(reasons).toEqual(["the service manager did not take a message (errno 20)"]);
  });

  test("fullManagerNeverBlocks", () => {
    using folder = emptyDirectory();
    using manager = notifySocket(join(folder.path, "notify"));
    const reasons: string[] = [];
    const notifier = openNotifier({ NOTIFY_SOCKET: manager.name }, 1, (reason) =>
      reasons.push(reason),
    );
    for (let count = 0; count < 10_000; count++) notifier.watchdog();
    // EAGAIN
    expect(reasons).toEqual(["the service manager did not take a message (errno 11)"]);
    expect(manager.read().length).toBeGreaterThan(0);
  });

  test("badNameIsSaid", () => {
    for (const name of ["relative", `/${"x".repeat(107)}`]) {
      const reasons: string[] = [];
      const notifier = openNotifier({ NOTIFY_SOCKET: name }, 1, (reason) => reasons.push(reason));
      expect(notifier.listening).toBe(false);
      expect(reasons).toHaveLength(1);
    }
  });

  test("watchdogIsFedAtHalfItsTime", () => {
    const env = { NOTIFY_SOCKET: "@x", WATCHDOG_USEC: "10000000" };
    expect(openNotifier(env, 7).watchdogMs).toBe(5000);
    expect(openNotifier({ ...env, WATCHDOG_PID: "7" }, 7).watchdogMs).toBe(5000);
    expect(openNotifier({ ...env, WATCHDOG_PID: "8" }, 7).watchdogMs).toBeNull();
  });

  test("addressIsThatOfTheKernel", () => {
    expect(socketAddress("/a")).toEqual(new Uint8Array([1, 0, 0x2f, 0x61, 0]));
    expect(socketAddress("@a")).toEqual(new Uint8Array([1, 0, 0, 0x61]));
  });
});
