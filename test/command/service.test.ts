import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serviceUnit } from "../../src/host/service-unit.ts";
import { binaryPath, run } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";

const config = "/etc/hftedge/hftedge.toml";
const analyze = Bun.which("systemd-analyze");
const unit = "etc/systemd/system/hftedge.service";

/** Worst exposure that the sandbox may have, 0 to 10: systemd 252 says 2.3, others weigh otherwise. */
const exposureMax = 2.9;

describe("unit", () => {
  const text = serviceUnit({ program: "/usr/local/bin/hftedge", config, user: null, gpu: false });

  test("isWatchedAndClearsWhatTheRuntimeWouldObey", () => {
    expect(text).toMatch(/^Type=notify$/m);
    expect(text).toMatch(/^WatchdogSec=\d+$/m);
    expect(text).toMatch(/^UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN /m);
    expect(text).toMatch(/^ExecStart=\/usr\/local\/bin\/hftedge run --config \/etc\//m);
  });

  test("oddPathsAreQuoted", () => {
    const odd = serviceUnit({ program: "/opt/a b/$x%y", config, user: "market", gpu: true });
    expect(odd).toContain(`ExecStart="/opt/a b/$$x%%y" run`);
    expect(odd).toMatch(/^User=market$/m);
    expect(odd).not.toContain("DynamicUser");
    expect(odd).toMatch(/^DeviceAllow=char-nvidia\* rw$/m);
  });
});

async function analyzed(args: string[], gpu: boolean) {
  using folder = emptyDirectory();
  const path = join(folder.path, "hftedge.service");
  writeFileSync(path, serviceUnit({ program: binaryPath(), config, user: null, gpu }));
  const child = Bun.spawn([analyze!, ...args, path], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

describe.skipIf(analyze === null)("systemd-analyze (skipped where it is not installed)", () => {
  for (const gpu of [false, true]) {
    test(`hasNoErrorAndNoWarning: gpu ${gpu}`, async () => {
      const { code, stderr } = await analyzed(["verify", "--man=no"], gpu);
      expect([code, stderr]).toEqual([0, ""]);
    });
  }

  test("warningOfAnUnknownKeyWouldBeSeen", async () => {
    using folder = emptyDirectory();
    const path = join(folder.path, "hftedge.service");
    writeFileSync(path, "[Service]\nExecStart=/bin/true\nNoSuchKey=1\n");
    const child = Bun.spawn([analyze!, "verify", path], { stdout: "ignore", stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toContain("NoSuchKey");
    await child.exited;
  });

  test("exposureIsLow", async () => {
    const { stdout } = await analyzed(["security", "--offline=true", "--no-pager"], false);
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(exposureMax);
  });
});

describe("install", () => {
  test("dryRunPrintsAndChangesNothing", async () => {
    using folder = emptyDirectory();
    const args = ["service", "install", "--dry-run", "--root", folder.path];
    const { code, stdout } = await run([...args, "--program", "/usr/bin/env"]);
    expect(code).toBe(0);
    expect(stdout).toBe(serviceUnit({ program: "/usr/bin/env", config, user: null, gpu: false }));
    expect(existsSync(join(folder.path, "etc"))).toBe(false);
  });

  test("installTwiceThenUninstall", async () => {
    using folder = emptyDirectory();
    const args = ["--root", folder.path];
    const install = ["service", "install", ...args, "--program", "/usr/bin/env"];
    const first = await run(install);
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toContain("wrote ");
    expect(readFileSync(join(folder.path, unit), "utf8")).toContain("ExecStart=/usr/bin/env run");
    const check = await run(["config", "check", "--config", join(folder.path, config)]);
    expect(check.code).toBe(0);

    expect((await run(install)).stderr).toContain("unchanged:");
    const changed = await run([...install, "--user", "market"]);
    expect(changed.stderr).toContain("replaced ");

    const removed = await run(["service", "uninstall", ...args]);
    expect(removed).toMatchObject({ code: 0, stdout: "" });
    expect(existsSync(join(folder.path, unit))).toBe(false);
    expect(existsSync(join(folder.path, config))).toBe(true);
    expect((await run(["service", "uninstall", ...args])).stderr).toContain("is not installed");
  });

  test("foreignUnitIsLeftAlone", async () => {
    using folder = emptyDirectory();
    const path = join(folder.path, unit);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "[Service]\nExecStart=/bin/true\n");
    const args = ["--root", folder.path];
    for (const verb of [["install", "--program", "/usr/bin/env"], ["uninstall"]]) {
      const { code, stderr } = await run(["service", ...verb, ...args]);
      expect(code).toBe(1);
      expect(stderr).toContain("was not written by this program");
    }
    expect(readFileSync(path, "utf8")).toStartWith("[Service]");
  });

  test("programThatTheSandboxHidesIsRefused", async () => {
    using folder = emptyDirectory();
    const { code, stderr } = await run([
      "service",
      "install",
      "--root",
      folder.path,
      "--program",
      "/home/a/hftedge",
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("sudo install /home/a/hftedge /usr/local/bin/hftedge");
  });

  test("absentProgramIsRefused", async () => {
    using folder = emptyDirectory();
    const args = ["--root", folder.path, "--program", "/dev/null/none/hftedge"];
    const { code, stderr } = await run(["service", "install", ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain("is not there or cannot be executed");
  });
});

test("statusWithoutSystemdIsOneClearLine", async () => {
  const { code, stderr } = await run(["service", "status"], { env: { PATH: "/dev/null/none" } });
  expect(code).toBe(1);
  expect(stderr).toStartWith("hftedge: there is no systemctl here\n");
});
