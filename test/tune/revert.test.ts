import { describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync } from "node:fs";
import { confirm } from "../../src/tune/confirm.ts";
import { journalPath, parseJournal, readJournal } from "../../src/tune/journal.ts";
import { lockPath } from "../../src/tune/lock.ts";
import { revertUnconfirmed } from "../../src/tune/revert.ts";
import { fakeServer, gpuUuid, snapshot } from "./support/fake-server.ts";
import { applied, reverted, status } from "./support/run.ts";

describe("a revert", () => {
  test("leavesAloneWhatSomebodyChangedSince", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine);
    machine.put("/proc/sys/vm/swappiness", "5\n");
    const report = await reverted(machine);
    expect(report.failed).toBe(true);
    expect(report.results.filter(({ outcome }) => outcome !== "restored")).toMatchObject([
      { id: "memory.swappiness", outcome: "conflict", live: "5", original: "60" },
    ]);
    expect(machine.read("/proc/sys/vm/swappiness")).toBe("5\n");
    // What is in conflict stays in the journal, so that the original is not lost.
    expect([...parseJournal(machine.read(journalPath)!).entries.keys()]).toEqual([
      "/proc/sys/vm/swappiness",
    ]);
    await reverted(machine, true);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("countsAValueThatIsBackAlreadyAsRestored", async () => {
    using server = fakeServer();
    const before = snapshot(server.root);
    await applied(server.machine);
    server.machine.put("/proc/sys/vm/swappiness", "60\n");
    expect((await reverted(server.machine)).failed).toBe(false);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("knowsThatTwoKeysAreOneSetting", async () => {
    using server = fakeServer({
      "/proc/sys/vm/dirty_bytes": "268435456\n",
      "/proc/sys/vm/dirty_ratio": "0\n",
    });
    const { machine } = server;
    await applied(machine);
    expect(machine.read("/proc/sys/vm/dirty_bytes")).toBe("6710886400\n");
    expect(machine.read("/proc/sys/vm/dirty_background_ratio")).toBe("0\n");
    await reverted(machine);
    expect(machine.read("/proc/sys/vm/dirty_bytes")).toBe("268435456\n");
    expect(machine.read("/proc/sys/vm/dirty_background_ratio")).toBe("10\n");
    expect(machine.read("/proc/sys/vm/dirty_background_bytes")).toBe("0\n");
  });

  test("afterARebootTakesBackTheFilesAndFindsTheRestRestored", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine);
    machine.put("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n");
    expect((await reverted(machine)).failed).toBe(false);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("goesOnWhereAnInterfaceIsGone", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    machine.alter((state) => {
      delete state.ethtool["eth1"];
    });
    const report = await reverted(machine);
    expect(report.failed).toBe(false);
    expect(report.results.find(({ id }) => id === "nic.rx-usecs:eth1")?.outcome).toBe("gone");
    expect(machine.exists(journalPath)).toBe(false);
  });

  test("withNothingAppliedDoesNothing", async () => {
    using server = fakeServer();
    const before = snapshot(server.root);
    expect(await reverted(server.machine)).toMatchObject({ applied: false, failed: false });
    expect(snapshot(server.root)).toEqual(before);
  });
});

describe("another profile", () => {
  test("givesBackWhatOnlyTheFirstOneWanted", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine, { profile: "aggressive" });
    expect(machine.read("/proc/sys/net/core/busy_poll")).toBe("50\n");
    expect(machine.state.gpus[0]!.powerLimitW).toBe(350);

    await applied(machine, { profile: "safe" });
    expect(machine.read("/proc/sys/net/core/busy_poll")).toBe("0\n");
    expect(machine.state.gpus[0]!.powerLimitW).toBe(300);
    expect(machine.exists("/etc/default/grub.d/60-hftedge.cfg")).toBe(false);
    expect(status(machine).drift).toEqual([]);

    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });
});

describe("a locked clock", () => {
  test("isDisprovedByAClockThatRunsFaster", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    expect(machine.state.gpus[0]!.lock).toBe("1980,1980");
    expect(status(machine).drift).toEqual([]);
    machine.alter((state) => {
      state.gpus[0]!.smClock = 2100;
    });
    expect(status(machine).drift.map(({ id }) => id)).toEqual([`gpu.graphics-clock:${gpuUuid}`]);
  });
});

const head = (): string =>
  JSON.stringify({
    line: "begin",
    version: 1,
    request: {},
    run: 1,
    directories: [],
    confirmByMs: null,
    previous: null,
  });

describe("the journal", () => {
  test("forgivesALastLineThatACrashCut", () => {
    const journal = parseJournal(`${head()}\n{"line":"ran","comm`);
    expect(journal.entries.size).toBe(0);
  });

  test("isRefusedWhenItIsDamagedInTheMiddle", () => {
    expect(() => parseJournal(`${head()}\n{"line":\n{"line":"confirmed"}\n`)).toThrow("line 2");
    expect(() => parseJournal("")).toThrow("it is empty");
    expect(() => parseJournal(`${head().replace('"version":1', '"version":9')}\n`)).toThrow(
      "version 9",
    );
  });

  test("holdsTheOriginalsBeforeTheFirstWrite", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    let seen: string | null = null;
    machine.onMutation = (_count, what) => {
      if (seen !== null || /hftedge-tune\/(?:lock|journal)|mkdir \/var/.test(what)) return;
      seen = machine.read(journalPath);
      const { entries } = parseJournal(seen!);
      for (const { target, original } of entries.values()) {
        if (target.kind === "value" && original !== null) {
          expect(before[target.path]).toContain(original);
        }
      }
      expect(entries.get("/etc/sysctl.d/99-zz-hftedge.conf")?.original).toBeNull();
    };
    await applied(machine);
    expect(seen).not.toBeNull();
  });

  test("lockOfALivingTuneHoldsOthersOff", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.makeDirectory("/var/lib/hftedge-tune");
    const release = machine.lock(lockPath, "77\n")!;
    await expect(applied(machine)).rejects.toThrow("another hftedge tune (process 77) is at work");
    release();
    expect((await applied(machine)).failed).toBe(false);
  });

  test("lockOfADeadTuneHoldsNobodyOffWhoeverHasItsProcessIdNow", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.makeDirectory("/var/lib/hftedge-tune");
    // As in a container, where each start has the same id.
    machine.put(lockPath, `${process.pid}\n`);
    expect((await applied(machine)).failed).toBe(false);
    expect(machine.exists(lockPath)).toBe(false);
  });

  test("isGoneOnWithAfterACutLine", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine, {}, machine.nowMs() + 60_000);
    appendFileSync(machine.file(journalPath), '{"line":"done","ke');
    await confirm(machine);
    expect(readJournal(machine)?.confirmByMs).toBeNull();
    expect((await reverted(machine)).failed).toBe(false);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("thatCannotBeReadIsNotTakenForNone", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    machine.put(journalPath, `${machine.read(journalPath)}${" ".repeat(5 << 20)}\n`);
    await expect(applied(machine, { profile: "aggressive" })).rejects.toThrow("cannot be read");
    await expect(reverted(machine)).rejects.toThrow("cannot be read");
  });

  test("doesNotGrowByTheRunsThatWereConfirmed", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    const sizes: number[] = [];
    for (let run = 0; run < 6; run++) {
      machine.put("/proc/sys/vm/swappiness", "60\n");
      await applied(machine, {}, machine.nowMs() + 60_000);
      await confirm(machine);
      sizes.push(machine.stat(journalPath)!.size);
    }
    expect(sizes.at(-1)).toBeLessThan(1.05 * sizes[0]!);
  });

  test("ofAFileThatOthersMayNotReadStaysSecret", async () => {
    using server = fakeServer();
    const { machine } = server;
    const path = "/etc/sysctl.d/99-zz-hftedge.conf";
    machine.put(path, "# secret\n");
    chmodSync(machine.file(path), 0o600);
    await applied(machine, { force: true });
    expect(machine.stat(journalPath)?.mode).toBe(0o600);
    await applied(machine, { profile: "aggressive", force: true }, machine.nowMs() + 60_000);
    await revertUnconfirmed(machine);
    expect(machine.stat(journalPath)?.mode).toBe(0o600);
  });
});
