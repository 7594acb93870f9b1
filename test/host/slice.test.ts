import { expect, test } from "bun:test";
import { release } from "node:os";

const [major = 0, minor = 0] = release().split(".").map(Number);
const keepsSlices = major > 6 || (major === 6 && minor >= 12);

/** In a process of its own, so that the tests' own thread keeps its slice. */
test.skipIf(!keepsSlices)(
  "a thread's time slice is its own, and its nice value stays",
  async () => {
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/slice-child.ts`], {
      stdout: "pipe",
    });
    const { worker, main, niceKept } = JSON.parse(await new Response(child.stdout).text());
    expect(worker).toBe(200_000);
    expect(main).not.toBe(200_000);
    expect(niceKept).toBe(true);
  },
);
