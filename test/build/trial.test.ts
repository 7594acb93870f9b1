/** A fresh binary is run once, also one for another processor where that can be done. */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildFact, compile, hostTarget, type Target } from "../../src/build/compile.ts";
import { runnerOf, tryBinary } from "../../src/build/trial.ts";
import { emptyDirectory } from "../support/directory.ts";

const other: Target = hostTarget() === "bun-linux-x64" ? "bun-linux-arm64" : "bun-linux-x64";
const fact = { version: "1.2.3", commit: "0123456789ab", committed: "2026-01-30T10:00:00Z" };

function script(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

function says(folder: string, change: Record<string, string> = {}): string {
  const platform = hostTarget().replace("bun-", "");
  const said = { version: fact.version, commit: fact.commit, platform, ...change };
  return script(folder, "hftedge", `echo '${JSON.stringify(said)}'`);
}

describe("a fresh binary", () => {
  test("that says what was built runs", () => {
    using folder = emptyDirectory();
    expect(tryBinary(says(folder.path), hostTarget(), fact)).toBe("runs");
  });

  test("of another commit, or one that fails, is not released", () => {
    using folder = emptyDirectory();
    const old = says(folder.path, { commit: "ffffffffffff" });
    expect(() => tryBinary(old, hostTarget(), fact)).toThrow("does not run as built");
    const broken = script(folder.path, "broken", "echo no such instruction >&2; exit 4");
    expect(() => tryBinary(broken, hostTarget(), fact)).toThrow("no such instruction");
  });

  test("for another processor needs an emulator and a C library, and says which is missing", () => {
    using folder = emptyDirectory();
    const processor = other === "bun-linux-arm64" ? "aarch64" : "x86_64";
    expect(runnerOf(other, { PATH: folder.path })).toEqual({
      absent: `there is no qemu-${processor}`,
    });
    const emulator = script(folder.path, `qemu-${processor}-static`, "true");
    const env = { PATH: folder.path, QEMU_LD_PREFIX: folder.path };
    expect(runnerOf(other, env)).toEqual({
      absent: expect.stringContaining("set QEMU_LD_PREFIX") as unknown as string,
    });
    for (const loader of ["lib/ld-linux-aarch64.so.1", "lib64/ld-linux-x86-64.so.2"]) {
      mkdirSync(join(folder.path, loader), { recursive: true });
    }
    expect(runnerOf(other, env)).toEqual([emulator, "-L", folder.path]);
  });
});

const runner = runnerOf(other);
const absent = "absent" in runner ? ` (skipped: ${runner.absent})` : "";

test.skipIf(absent !== "")(
  `the binary for ${other} runs a market under emulation${absent}`,
  async () => {
    using folder = emptyDirectory();
    const binary = join(folder.path, "hftedge");
    await compile(other, binary);
    expect(tryBinary(binary, other, await buildFact())).toStartWith("runs under");
    const start = async (...args: string[]) => {
      const child = Bun.spawn([...(runner as string[]), binary, ...args], {
        cwd: folder.path,
        env: { PATH: process.env["PATH"] ?? "" },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { code: await child.exited, stdout, stderr };
    };
    const summary = join(folder.path, "summary.json");
    const options = ["--inference-engine", "rules", "--http-listen", "", "--memory-lock", "false"];
    const flags = ["--demo-rate", "300", "--data-directory", folder.path, "--summary", summary];
    const { code, stdout } = await start("run", "--demo", "--for", "8s", ...flags, ...options);
    expect(code).toBe(0);
    expect(stdout).toContain('"signal":"');
    const report = (await Bun.file(summary).json()) as { feed: { feeds: { counts: object }[] } };
    expect(report.feed.feeds[0]!.counts).toMatchObject({ gaps: 0, lostMessages: 0 });
  },
  600_000,
);
