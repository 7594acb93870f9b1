/** With --confirm-within nothing stays that nobody confirmed, however the run itself went. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { resolve } from "node:path";
import { applyAll } from "../../src/command/tune-action.ts";
import { readJournal } from "../../src/tune/journal.ts";
import { revertUnconfirmed } from "../../src/tune/revert.ts";
import type { FakeMachine } from "../tune/support/fake-machine.ts";
import { fakeServer, snapshot } from "../tune/support/fake-server.ts";

const main = resolve(import.meta.dir, "../../src/main.ts");
const atOnce = (): Promise<boolean> => Promise.resolve(true);
const never = (): Promise<boolean> => new Promise(() => {});

// An action tells its failure by the exit code, which is not the tests'.
afterEach(() => {
  process.exitCode = 0;
});

/** Lets the run fail in its middle, by which its report is not printed either. */
function failHalfWay(machine: FakeMachine, meanwhile: () => void = () => {}): void {
  machine.onMutation = (_, what) => {
    if (what !== "write /proc/sys/net/core/rmem_max") return;
    machine.onMutation = () => {};
    meanwhile();
    throw new Error("the disk is gone");
  };
}

describe("a run that waits for its confirmation", () => {
  test("andFailsHalfWayIsTakenBack", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    failHalfWay(machine, () => {
      expect(readJournal(machine)?.confirmByMs).not.toBeNull();
      machine.monotonicNs += 61e9;
    });
    await expect(applyAll({ confirmWithin: 60 }, machine, never)).rejects.toThrow("disk is gone");
    expect(snapshot(server.root)).toEqual(before);
    expect(process.exitCode).toBe(1);
    expect(process.listenerCount("SIGHUP")).toBe(0);
  });

  test("andFailsHalfWayStaysWhenALineConfirmsIt", async () => {
    using server = fakeServer();
    const { machine } = server;
    failHalfWay(machine);
    await expect(applyAll({ confirmWithin: 60 }, machine, atOnce)).rejects.toThrow("disk is gone");
    expect(readJournal(machine)?.confirmByMs).toBeNull();
    expect(machine.read("/proc/sys/net/core/rmem_max")).not.toBe("212992\n");
  });

  test("andIsTakenBackFromElsewhereFails", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    // Asked for a line, the other shell reverts.
    const line = (): Promise<boolean> => {
      void revertUnconfirmed(machine);
      return never();
    };
    failHalfWay(machine);
    await expect(applyAll({ confirmWithin: 60 }, machine, line)).rejects.toThrow("disk is gone");
    expect(process.exitCode).toBe(1);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("andFailsBeforeItsFirstWriteWaitsForNobody", async () => {
    using server = fakeServer();
    const wrong = applyAll({ confirmWithin: 60, feedCpus: "0" }, server.machine, never);
    await expect(wrong).rejects.toThrow("CPU 0 cannot be a feed CPU");
    expect(process.listenerCount("SIGHUP")).toBe(0);
  });
});

/** Starts the program on a root whose keys do not depend on a kernel, and gives it no input. */
function start(root: string): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const without = "memory.dirty_bytes,memory.dirty_background_bytes";
  const words = ["tune", "apply", "--root", root, "--confirm-within", "500ms"];
  return Bun.spawn([process.execPath, main, ...words, "--without", without], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent" },
    cwd: "/",
  });
}

describe("a terminal that goes", () => {
  test("whileItIsAppliedTakesTheRunBack", async () => {
    using server = fakeServer({
      "/run/systemd/system": null,
      // The connection is cut by what the run does: a driver's command hangs the program up.
      "/usr/sbin/ethtool": '#!/bin/sh\necho "$@" >> $HFTEDGE_ROOT/fake/log\nkill -HUP $PPID\n',
    });
    chmodSync(server.machine.file("/usr/sbin/ethtool"), 0o755);
    const child = start(server.root);
    const stderr = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    expect(child.signalCode).toBeNull();
    expect(server.machine.read("/fake/log")).not.toBeNull();
    expect(stderr).toContain("not confirmed: the run is taken back");
    expect(server.machine.read("/proc/sys/vm/swappiness")).toBe("60\n");
    expect(readJournal(server.machine)).toBeNull();
  });

  test("beforeTheReportTakesTheRunBack", async () => {
    using server = fakeServer({ "/run/systemd/system": null });
    const child = start(server.root);
    await child.stdout.cancel();
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toContain("the run is taken back");
    expect(server.machine.read("/proc/sys/vm/swappiness")).toBe("60\n");
    expect(readJournal(server.machine)).toBeNull();
  });
});
