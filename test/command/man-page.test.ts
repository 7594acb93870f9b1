import { beforeAll, describe, expect, test } from "bun:test";
import { everyCommand, specOf, type CommandSpec } from "../../src/command/spec.ts";
import { createProgram } from "../../src/command/table.ts";
import { optionTable } from "../../src/config/option.ts";
import { run } from "../support/binary.ts";

let program: CommandSpec;
let page: string;
beforeAll(async () => {
  program = specOf(await createProgram(null));
  page = (await run(["man"])).stdout;
});

describe("manual page", () => {
  test("namesEveryCommandAndOption", () => {
    const plain = page.replaceAll("\\-", "-");
    for (const { path } of everyCommand(program)) {
      expect(plain).toContain(["hftedge", ...path].join(" "));
    }
    for (const { key, flag, env } of optionTable()) {
      for (const name of [key, flag, env]) if (name !== null) expect(plain).toContain(name);
    }
  });

  const groff = Bun.which("groff");
  test.skipIf(groff === null)("groffHasNoWarning (needs groff)", async () => {
    // The terminal driver is told to write plain text: no colours, no overstriking.
    const child = Bun.spawn([groff!, "-man", "-ww", "-Tascii", "-P-cbou"], {
      stdin: new Blob([page]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [words, shown] = await Promise.all([
      new Response(child.stderr).text(),
      new Response(child.stdout).text(),
    ]);
    expect(words).toBe("");
    expect(shown).toContain("EXIT STATUS");
  });
});
