/** The main job once more, from the source in place of the compiled program. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { program } from "../support/binary.ts";

test.skipIf(program === "source")(
  "what the compiled program does, the source does",
  async () => {
    const child = Bun.spawn([process.execPath, "test", join(import.meta.dir, "run.test.ts")], {
      env: { ...process.env, HFTEDGE_TEST_PROGRAM: "source" },
      stdout: "ignore",
      stderr: "pipe",
    });
    const words = await new Response(child.stderr).text();
    expect(words).toMatch(/\n *0 fail\n/);
    expect(await child.exited).toBe(0);
  },
  180_000,
);
