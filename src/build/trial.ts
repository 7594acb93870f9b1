/**
 * The first run of a fresh binary: does it start, and is it what was built? One for another processor
 * runs under QEMU's user emulation, where that and the other system's C library are installed:
 * Debian's packages qemu-user and libc6-arm64-cross, or any root that QEMU_LD_PREFIX names.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BuildFact, hostTarget, type Target } from "./compile.ts";

const timeoutMs = 120_000;

/** The words before the binary that run it here, or why nothing does. */
export function runnerOf(
  target: Target,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] | { absent: string } {
  if (target === hostTarget()) return [];
  const processor = target === "bun-linux-arm64" ? "aarch64" : "x86_64";
  const find = (name: string): string | null => Bun.which(name, { PATH: env["PATH"] ?? "" });
  const emulator = find(`qemu-${processor}`) ?? find(`qemu-${processor}-static`);
  if (emulator === null) return { absent: `there is no qemu-${processor}` };
  const prefix = env["QEMU_LD_PREFIX"] ?? `/usr/${processor}-linux-gnu`;
  const loader =
    processor === "aarch64" ? "lib/ld-linux-aarch64.so.1" : "lib64/ld-linux-x86-64.so.2";
  return existsSync(join(prefix, loader))
    ? [emulator, "-L", prefix]
    : { absent: `there is no ${join(prefix, loader)}: set QEMU_LD_PREFIX` };
}

/** One line about what happened. Throws where the binary ran and was not what was built. */
export function tryBinary(binary: string, target: Target, { version, commit }: BuildFact): string {
  const runner = runnerOf(target);
  if ("absent" in runner) return `not tried: ${runner.absent}`;
  const { exitCode, stdout, stderr } = Bun.spawnSync([...runner, binary, "version", "--json"], {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: "ignore",
    timeout: timeoutMs,
  });
  const said = stdout.toString();
  const seen = exitCode === 0 ? (JSON.parse(said) as Record<string, unknown>) : {};
  const platform = target.replace("bun-", "");
  const isRight =
    seen["version"] === version && seen["commit"] === commit && seen["platform"] === platform;
  if (!isRight) {
    throw new Error(`${binary} does not run as built: exit code ${exitCode}: ${said}${stderr}`);
  }
  return runner.length === 0 ? "runs" : `runs under ${runner[0]}`;
}
