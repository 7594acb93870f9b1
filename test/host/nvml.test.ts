import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Gpu } from "../../src/host/nvidia.ts";
import { emptyDirectory } from "../support/directory.ts";

const compiler = Bun.which("cc") ?? Bun.which("gcc");

function child(folder: string): string {
  const { stdout } = Bun.spawnSync([process.execPath, join(import.meta.dir, "nvml-child.ts")], {
    env: { PATH: process.env["PATH"] ?? "", LD_LIBRARY_PATH: folder },
  });
  return stdout.toString();
}

interface Answers {
  before: Gpu[];
  after: Gpu[];
  last: Gpu[];
  clocks: { graphics: number[]; memory: number[] };
  said: (string | null)[];
}

describe("NVML", () => {
  test.skipIf(compiler === null)("answersThroughItsOwnTypes (needs a C compiler)", () => {
    using folder = emptyDirectory();
    const library = join(folder.path, "libnvidia-ml.so.1");
    const source = join(import.meta.dir, "nvml-stub.c");
    const made = Bun.spawnSync([compiler!, "-shared", "-fPIC", "-o", library, source]);
    expect(made.stderr.toString()).toBe("");

    const { before, after, last, clocks, said } = JSON.parse(child(folder.path)) as Answers;
    expect(before).toEqual([
      {
        uuid: "GPU-stub",
        name: "Stub 1",
        driver: "550.54",
        persistence: false,
        pstate: "P8",
        smClockMhz: 210,
        memoryClockMhz: 2619,
        smClockMaxMhz: 1980,
        powerLimitW: 300,
        powerDefaultW: 300,
        powerMaxW: 350,
        temperatureC: 41,
        eventReasons: 0x25,
        mig: null,
      },
    ]);
    expect(clocks).toEqual({ graphics: [1980, 1965, 210], memory: [2619, 1593] });
    expect(said).toEqual([null, null, "Not Supported", null, "no GPU GPU-none", null]);
    expect(after[0]).toMatchObject({ persistence: true, smClockMhz: 1980, powerLimitW: 350 });
    expect(last[0]!.smClockMhz).toBe(210);
  });

  test.skipIf(Bun.spawnSync(["sh", "-c", "ldconfig -p | grep -q nvidia-ml"]).success)(
    "withoutTheLibraryThereIsNone (needs a machine without NVIDIA's driver)",
    () => {
      using folder = emptyDirectory();
      expect(child(folder.path)).toBe("null");
    },
  );
});
