/** A run that nobody confirms in time takes itself back. */
import { describe, expect, test } from "bun:test";
import { confirm, waitForConfirmation, type WaitEnd } from "../../src/tune/confirm.ts";
import { readJournal } from "../../src/tune/journal.ts";
import { underLock } from "../../src/tune/lock.ts";
import { revertUnconfirmed } from "../../src/tune/revert.ts";
import type { FakeMachine } from "./support/fake-machine.ts";
import { fakeServer, snapshot } from "./support/fake-server.ts";
import { applied, reverted, status } from "./support/run.ts";

/** How a waiter knows the last run: as `applyAll` does. */
function waiting(machine: FakeMachine, line = never, signal = calm()): Promise<WaitEnd> {
  const { run, confirmByMs } = readJournal(machine)!;
  const awaited = { run, confirmByMs: confirmByMs!, confirmByNs: machine.monotonicNs + 60e9 };
  return waitForConfirmation(machine, awaited, line, signal);
}

const never = new Promise<boolean>(() => {});
const calm = (): AbortSignal => new AbortController().signal;

describe("a run with --confirm-within", () => {
  test("thatIsNotConfirmedIsTakenBackWhole", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine, {}, machine.nowMs() + 60_000);
    expect(status(machine).confirmByMs).toBe(machine.nowMs() + 60_000);
    const end = waiting(machine);
    machine.monotonicNs += 60.001e9;
    expect(await end).toBe("not confirmed");
    expect((await revertUnconfirmed(machine)).failed).toBe(false);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("thatIsConfirmedByALineStays", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    expect(await waiting(machine, Promise.resolve(true))).toBe("confirmed");
    expect(readJournal(machine)?.confirmByMs).toBeNull();
    expect((await revertUnconfirmed(machine)).applied).toBe(false);
    expect(machine.read("/proc/sys/vm/swappiness")).toBe("1\n");
  });

  test("thatIsConfirmedFromAnotherShellStays", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    const end = waiting(machine);
    await confirm(machine);
    expect(await end).toBe("confirmed");
    await expect(confirm(machine)).rejects.toThrow("no run waits for a confirmation");
  });

  test("isNotConfirmedByTheEndOfInputAndGivesUpWhenInterrupted", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    const stop = new AbortController();
    const end = waiting(machine, Promise.resolve(false), stop.signal);
    stop.abort();
    expect(await end).toBe("not confirmed");
  });

  test("isNotConfirmedByATerminalThatIsGone", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    const stop = new AbortController();
    const gone = Promise.reject<boolean>(new Error("EIO: i/o error, read"));
    const end = waiting(machine, gone, stop.signal);
    setTimeout(() => stop.abort(), 0);
    expect(await end).toBe("not confirmed");
  });

  test("isNotProlongedByAClockThatIsSetBack", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    const end = waiting(machine);
    machine.timeMs -= 86_400_000;
    machine.monotonicNs += 60.001e9;
    expect(await end).toBe("not confirmed");
  });

  test("isNotCutShortByAClockThatIsSetForward", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    machine.timeMs += 86_400_000;
    expect(await waiting(machine, Promise.resolve(true))).toBe("confirmed");
  });

  test("thatAnotherShellTakesBackWasNotKept", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    await applied(machine, {}, machine.nowMs() + 60_000);
    const first = waiting(machine);
    expect((await reverted(machine)).failed).toBe(false);
    expect(await first).toBe("taken back");

    await applied(machine, { profile: "safe" });
    await applied(machine, { profile: "aggressive" }, machine.nowMs() + 60_000);
    const second = waiting(machine);
    await revertUnconfirmed(machine);
    // The journal of the run before is there, and waits for nothing.
    expect(readJournal(machine)?.confirmByMs).toBeNull();
    expect(await second).toBe("taken back");
  });

  test("thatIsConfirmedWhileAnotherTuneIsAtWorkWaitsForItsEnd", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, {}, machine.nowMs() + 60_000);
    const busy = Promise.withResolvers<void>();
    const other = underLock(machine, () => busy.promise);
    const end = waiting(machine, Promise.resolve(true));
    expect(readJournal(machine)?.confirmByMs).not.toBeNull();
    busy.resolve();
    await other;
    expect(await end).toBe("confirmed");
  });

  test("goesBackToTheConfirmedRunBeforeIt", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    const untouched = snapshot(server.root);
    await applied(machine, { profile: "safe" });
    const before = snapshot(server.root);
    await applied(machine, { profile: "aggressive" }, machine.nowMs() + 60_000);
    expect(machine.read("/proc/sys/net/core/busy_poll")).toBe("50\n");
    await revertUnconfirmed(machine);
    machine.alter((state) => {
      state.units["ollama.service"]!.pid = 502;
    });
    const after = snapshot(server.root);
    expect(Object.keys(after).filter((path) => after[path] !== before[path])).toEqual([]);
    expect(status(machine).drift).toEqual([]);
    await reverted(machine);
    machine.alter((state) => {
      state.units["ollama.service"]!.pid = 501;
    });
    expect(snapshot(server.root)).toEqual(untouched);
  });

  test("givesAgainWhatItHadGivenBack", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, { profile: "aggressive" });
    await applied(machine, { profile: "safe" }, machine.nowMs() + 60_000);
    expect(machine.read("/proc/sys/net/core/busy_poll")).toBe("0\n");
    await revertUnconfirmed(machine);
    expect(machine.read("/proc/sys/net/core/busy_poll")).toBe("50\n");
    expect(status(machine).drift).toEqual([]);
  });

  test("holdsOffAnotherRunAndIsTakenBackWithEverythingByARevert", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    const untouched = snapshot(server.root);
    await applied(machine, { profile: "safe" });
    await applied(machine, { profile: "aggressive" }, machine.nowMs() + 60_000);
    await expect(applied(machine)).rejects.toThrow("still waits for its confirmation");
    expect((await reverted(machine)).failed).toBe(false);
    machine.alter((state) => {
      state.units["ollama.service"]!.pid = 501;
    });
    expect(snapshot(server.root)).toEqual(untouched);
  });
});
