/** `hftedge tune` as a person types it, on a directory that stands for a machine. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fakeServer, snapshot } from "../tune/support/fake-server.ts";

const main = resolve(import.meta.dir, "../../src/main.ts");

function tune(
  words: readonly string[],
  options: { prefix?: readonly string[]; stdin?: string } = {},
): { code: number; stdout: string; stderr: string } {
  const argv = [...(options.prefix ?? []), process.execPath, main, "tune", ...words];
  const result = Bun.spawnSync(argv, {
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent" },
    cwd: "/",
    timeout: 30_000,
  });
  return {
    code: result.exitCode,
    stdout: result.stdout.toString(),
    stderr: result.stderr.toString(),
  };
}

describe("tune", () => {
  test("withoutAVerbPlansAppliesAndExitsWithZero", () => {
    using server = fakeServer({ "/run/systemd/system": null });
    const { code, stdout, stderr } = tune(["--root", server.root]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("profile safe");
    expect(stdout).toContain("+vm.swappiness = 1");
    expect(stdout).toMatch(/applied +memory\.swappiness {2}60 → 1/);
    expect(server.machine.read("/proc/sys/vm/swappiness")).toBe("1\n");
  });

  test("statusExitsWithZeroThenTwoAndNamesTheDriftAndRevertRestoresEveryByte", () => {
    using server = fakeServer({ "/run/systemd/system": null });
    // Without a kernel behind it the file of a choice is plain.
    server.machine.put("/sys/kernel/mm/transparent_hugepage/enabled", "always\n");
    server.machine.put("/proc/sys/vm/dirty_ratio", "0\n");
    server.machine.put("/proc/sys/vm/dirty_background_ratio", "0\n");
    server.machine.put("/proc/sys/vm/dirty_bytes", "1000000\n");
    server.machine.put("/proc/sys/vm/dirty_background_bytes", "1000000\n");
    const root = ["--root", server.root];
    const before = snapshot(server.root);
    expect(tune(["apply", ...root, "--without", "irq.feed,nic.rp_filter"]).code).toBe(0);
    expect(tune(["status", ...root])).toMatchObject({ code: 0 });
    server.machine.put("/proc/sys/vm/swappiness", "33\n");
    const drifted = tune(["status", "--json", ...root]);
    expect(drifted.code).toBe(2);
    expect(JSON.parse(drifted.stdout)).toMatchObject({
      applied: true,
      state: "drift",
      drift: [{ id: "memory.swappiness", live: "33", desired: "1" }],
    });
    server.machine.put("/proc/sys/vm/swappiness", "1\n");
    expect(tune(["revert", ...root]).code).toBe(0);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("planAsJsonHasASettingsIdAndWritesNothing", () => {
    using server = fakeServer();
    const before = snapshot(server.root);
    const { code, stdout } = tune([
      "plan",
      "--json",
      "--profile",
      "aggressive",
      "--root",
      server.root,
    ]);
    expect(code).toBe(0);
    const plan = JSON.parse(stdout) as { settings: { id: string; state: string }[] };
    expect(plan.settings.map(({ id }) => id)).toContain("memory.swappiness");
    expect(snapshot(server.root)).toEqual(before);
  });

  test("whatIsNotConfirmedInTimeIsTakenBack", () => {
    using server = fakeServer({ "/run/systemd/system": null });
    // Two keys of which one zeroes the other need a kernel behind them.
    const coupled = ["--without", "memory.dirty_bytes,memory.dirty_background_bytes"];
    const words = ["apply", "--root", server.root, "--confirm-within", "300ms", ...coupled];
    const { code, stderr } = tune(words);
    expect(code).toBe(1);
    expect(stderr).toContain("not confirmed: the run is taken back");
    expect(server.machine.read("/proc/sys/vm/swappiness")).toBe("60\n");
    expect(existsSync(join(server.root, "var/lib/hftedge-tune"))).toBe(false);
  });

  test("aLineOnStdinConfirms", () => {
    using server = fakeServer({ "/run/systemd/system": null });
    const words = ["apply", "--root", server.root, "--confirm-within", "20s"];
    const { code, stderr } = tune(words, { stdin: "\n" });
    expect(stderr).toContain("kept");
    expect(code).toBe(0);
    expect(server.machine.read("/proc/sys/vm/swappiness")).toBe("1\n");
  });

  test("explainPrintsTheTableOfVerdicts", () => {
    const { code, stdout } = tune(["--explain"]);
    expect(code).toBe(0);
    expect(stdout).toContain("| gpu.NVreg_EnableGpuScheduling |");
  });

  test.each([
    [["--with", "no.such"], "There is no setting no.such"],
    [["--feed-cpus", "a-b"], "Write numbers and ranges"],
    [["--confirm-within", "2h"], "Give a time such as 60s"],
    [["--take", "systemd"], "Choose from tuned"],
  ])("refuses %j", (words, message) => {
    const { code, stderr } = tune(["plan", ...words]);
    expect(code).not.toBe(0);
    const all = tune(["apply", ...words]);
    expect(`${stderr}${all.stderr}`).toContain(message);
  });

  test("aRoleThatWouldTakeTheBoxDownIsAClearError", () => {
    using server = fakeServer();
    const { code, stderr } = tune(["plan", "--root", server.root, "--feed-cpus", "0"]);
    expect(code).toBe(1);
    expect(stderr).toContain("CPU 0 cannot be a feed CPU");
    expect(stderr).toContain("--force");
  });
});

/** Somebody who is not root: ourselves, or nobody when the tests run as root. */
const asNobody =
  process.getuid?.() !== 0
    ? []
    : Bun.which("setpriv") === null
      ? null
      : ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

function canReadSource(): boolean {
  if (asNobody === null) return false;
  return Bun.spawnSync([...asNobody, process.execPath, main, "version"], { cwd: "/" }).success;
}
const skipped = !canReadSource();

describe("tune without root", () => {
  test.skipIf(skipped)(
    "saysWhatItWouldDoAndTheExactSudoLineAndExitsWithOne (needs setpriv and readable sources)",
    () => {
      const { code, stdout, stderr } = tune(["--profile", "aggressive"], { prefix: asNobody! });
      expect(code).toBe(1);
      expect(stdout).toContain("profile aggressive");
      expect(stderr).toEndWith(`sudo ${process.execPath} ${main} tune --profile aggressive\n`);
    },
  );

  test.skipIf(skipped)("planAndStatusWork (needs setpriv and readable sources)", () => {
    expect(tune(["plan"], { prefix: asNobody! }).code).toBe(0);
    expect([0, 2, 3]).toContain(tune(["status"], { prefix: asNobody! }).code);
    expect(tune(["revert"], { prefix: asNobody! }).code).toBe(1);
  });
});

test("a command of a root runs from that root only", () => {
  using server = fakeServer({
    "/usr/sbin/ethtool": "#!/bin/sh\necho ran >> $HFTEDGE_ROOT/fake/log\n",
  });
  chmodSync(server.machine.file("/usr/sbin/ethtool"), 0o755);
  expect(tune(["plan", "--root", server.root]).code).toBe(0);
  expect(server.machine.read("/fake/log")).toContain("ran");
});
