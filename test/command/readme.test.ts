import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { commandMarkdown, renderReadme, replaceGenerated } from "../../src/command/markdown.ts";
import { everyCommand, specOf } from "../../src/command/spec.ts";
import { createProgram } from "../../src/command/table.ts";

const readme = await Bun.file(join(import.meta.dir, "../../README.md")).text();

describe("README", () => {
  test("tablesAreUpToDate: bun src/build/readme.ts", async () => {
    expect(renderReadme(readme, specOf(await createProgram(null)))).toBe(readme);
  });

  test("tableNamesEveryCommand", async () => {
    const program = specOf(await createProgram(null));
    const leaves = everyCommand(program).filter(({ commands }) => commands.length === 0);
    const table = commandMarkdown(program);
    for (const { path } of leaves) expect(table).toContain(`\`${["hftedge", ...path].join(" ")}`);
  });

  test("missingMarkerIsAnError", () => {
    expect(() => replaceGenerated("text", "options", "x")).toThrow(/lacks <!-- begin options -->/);
  });
});
