/** What a run does for its machine: the idle states it holds off, and its one line about drift. */
import { expect, test } from "bun:test";
import { accessSync, constants, readdirSync, readlinkSync } from "node:fs";
import { startRun } from "../support/hftedge-run.ts";

const device = "/dev/cpu_dma_latency";

function mayHold(): boolean {
  try {
    accessSync(device, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Open files of the process; one that closes while it is looked at is not open any more. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return [];
    }
  });
}

test("theCpusAreHeldAwakeForAsLongAsTheRunLastsOrItSaysWhyNot", async () => {
  await using edge = await startRun("udp://127.0.0.1:0?format=tick", ["--log-level", "debug"]);
  expect(openFiles(edge.running.pid).includes(device)).toBe(mayHold());
  expect(edge.running.text("stderr")).toContain(
    mayHold() ? "CPUs are kept out of idle states" : device,
  );
  expect((await edge.stop()).code).toBe(0);
});

test("bothCanBeSwitchedOff", async () => {
  await using edge = await startRun("udp://127.0.0.1:0?format=tick", [
    "--tune-hold-cpu-latency=false",
    "--tune-drift-line=false",
    "--log-level",
    "debug",
  ]);
  expect(openFiles(edge.running.pid)).not.toContain(device);
  const { stderr } = await edge.stop();
  expect(stderr).not.toContain("tune:");
  expect(stderr).not.toContain("idle states");
});
