/** The compiled program under a service manager of the test's own. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { start } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { notifySocket } from "../support/notify-socket.ts";

test("readyThenWatchdogThenStopping", async () => {
  using folder = emptyDirectory();
  using manager = notifySocket(join(folder.path, "notify"));
  const args =
    "run --inference-engine rules --http-listen= --memory-lock false --feed udp://127.0.0.1:0";
  const env = { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "100000" };
  await using running = start(args.split(" "), { env });
  expect(await manager.until(/^READY=1/)).toMatch(/^READY=1\nSTATUS=1 feed, 1 sink$/);
  await manager.until(/^WATCHDOG=1$/);
  expect(manager.messages[0]).toStartWith("READY=1");
  running.signal("SIGTERM");
  expect(await manager.until(/^STOPPING=1/)).toBe("STOPPING=1\nSTATUS=SIGTERM");
  expect((await running.finished).code).toBe(0);
  expect(manager.read().at(-1)).toStartWith("STOPPING=1");
});
