/** kill -9 right after any one change leaves what can be completed, and what can be taken back. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { apply } from "../../src/tune/apply.ts";
import { revert } from "../../src/tune/revert.ts";
import { statusOf } from "../../src/tune/status.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { FakeMachine } from "./support/fake-machine.ts";
import { fakeServer, request, snapshot, temporaryFolder } from "./support/fake-server.ts";

const child = join(import.meta.dir, "support/crash-child.ts");
const once = { restart: false, confirmByMs: null };
const gently = { restart: false, force: false };
const profile = "aggressive";
const wanted = request({ profile });
/** Enough of a machine for every kind of target, and small, because it is built for each crash. */
const small = Object.fromEntries(
  [1, 2, 3, 4, 5, 6, 7].flatMap((i) => [
    [`/sys/devices/system/cpu/cpufreq/policy${i}/scaling_governor`, null],
    [`/sys/devices/system/cpu/cpufreq/policy${i}/energy_performance_preference`, null],
  ]),
);

function machineAt(root: string): FakeMachine {
  const machine = new FakeMachine(root, { PATH: "/usr/bin" });
  machine.ollamaModels = '{"models":[]}';
  return machine;
}

/** A restart of Ollama gives it a new process, which nothing takes back. */
function shown(root: string): Record<string, string> {
  const machine = machineAt(root);
  machine.alter((state) => {
    state.units["ollama.service"]!.pid = 501;
  });
  return snapshot(root);
}

/** Points spread over all changes; every one of them when there are enough rounds. */
function points(count: number, rounds: number, seed: number): number[] {
  const step = Math.max(1, count / rounds);
  const offset = ((seed % 1000) / 1000) * step;
  const found: number[] = [];
  for (let at = offset; at < count; at += step) found.push(Math.floor(at) + 1);
  return [...new Set(found)];
}

async function killed(root: string, verb: string, at: number): Promise<void> {
  const process_ = Bun.spawn([process.execPath, child, root, profile, verb, String(at)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await process_.exited;
  expect(process_.signalCode).toBe("SIGKILL");
}

async function countOf(verb: "apply" | "revert"): Promise<number> {
  using server = fakeServer(small);
  const machine = machineAt(server.root);
  await apply(machine, wanted, once);
  if (verb === "apply") return machine.mutations;
  const second = machineAt(server.root);
  await revert(second, gently);
  return second.mutations;
}

function copyOf(root: string): { root: string; [Symbol.dispose](): void } {
  const copy = mkdtempSync(join(temporaryFolder, "hftedge-tune-copy-"));
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  return { root: copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }) };
}

describe("killed after one change", () => {
  test("of an apply: a revert restores every byte, another apply completes it", async () => {
    const count = await countOf("apply");
    const chosen = points(count, scaled(10), testSeed("crash apply"));
    for (const at of chosen) {
      using server = fakeServer(small);
      const before = shown(server.root);
      await killed(server.root, "apply", at);
      using copy = copyOf(server.root);

      const taken = await revert(machineAt(server.root), gently);
      expect(taken.failed, `revert after change ${at}`).toBe(false);
      expect(shown(server.root), `reverted after change ${at}`).toEqual(before);

      const completed = await apply(machineAt(copy.root), wanted, once);
      expect(completed.failed, `completed after change ${at}`).toBe(false);
      expect(statusOf(machineAt(copy.root), null, wanted).drift).toEqual([]);
      await revert(machineAt(copy.root), gently);
      expect(shown(copy.root), `completed and reverted after change ${at}`).toEqual(before);
    }
  });

  test("of a revert: another revert finishes it", async () => {
    const count = await countOf("revert");
    const chosen = points(count, scaled(6), testSeed("crash revert"));
    for (const at of chosen) {
      using server = fakeServer(small);
      const before = shown(server.root);
      await apply(machineAt(server.root), wanted, once);
      await killed(server.root, "revert", at);
      const taken = await revert(machineAt(server.root), gently);
      expect(taken.failed, `second revert after change ${at}`).toBe(false);
      expect(shown(server.root), `reverted after change ${at}`).toEqual(before);
    }
  });
});
