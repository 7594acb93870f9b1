import { expect, test } from "bun:test";

/** In a process of its own, because a nice value that was raised can't be lowered without privilege. */
test("the nice value is the calling thread's alone", async () => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/nice-child.ts`], {
    stdout: "pipe",
  });
  expect(JSON.parse(await new Response(child.stdout).text())).toEqual({ worker: 7, main: 0 });
});
