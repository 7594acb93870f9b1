/** Completions are executed in the shells themselves and compared with the command tree. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everyCommand, specOf, type CommandSpec } from "../../src/command/spec.ts";
import { createProgram } from "../../src/command/table.ts";
import { run } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { offered, type Shell } from "../support/shell.ts";

let program: CommandSpec;
beforeAll(async () => {
  program = specOf(await createProgram(null));
});

function withoutHelp(words: readonly string[]): string[] {
  return words.filter((word) => word !== "help").toSorted();
}

for (const shell of ["bash", "zsh", "fish"] as const satisfies Shell[]) {
  const missing = Bun.which(shell) === null ? ` (skipped: ${shell} is not installed)` : "";
  describe.skipIf(missing !== "")(`${shell}${missing}`, () => {
    let script: string;
    beforeAll(async () => {
      const { code, stdout, stderr } = await run(["completion", shell]);
      expect([code, stderr]).toEqual([0, ""]);
      script = stdout;
    });

    async function offers(line: string): Promise<string[]> {
      using folder = emptyDirectory();
      mkdirSync(join(folder.path, "folder"));
      writeFileSync(join(folder.path, "settings.toml"), "");
      const words = await offered(shell, script, line, folder.path);
      return words.map((word) => word.replace(/\/$/, "")).toSorted();
    }

    test("offersEveryCommandAndVerb", async () => {
      for (const { path, commands } of everyCommand(program)) {
        if (commands.length === 0) continue;
        const line = ["hftedge", ...path, ""].join(" ");
        expect(withoutHelp(await offers(line)), line).toEqual(
          withoutHelp(commands.map(({ name }) => name)),
        );
      }
    });

    test("offersEveryFlagOfEveryCommand", async () => {
      for (const { path, flags, commands } of everyCommand(program)) {
        if (commands.length > 0) continue;
        const line = ["hftedge", ...path, "--"].join(" ");
        const words = await offers(line);
        for (const { long } of flags) expect(words, line).toContain(long);
      }
      // An interactive zsh takes some tenths of a second to start on a busy machine.
    }, 30_000);

    test("offersTheChoicesOfAFlag", async () => {
      const levels = ["debug", "error", "info", "warn"];
      expect(await offers("hftedge config print --log-level ")).toEqual(levels);
      const afterSign = await offers("hftedge config print --log-level=w");
      expect(afterSign.map((word) => word.replace("--log-level=", ""))).toEqual(["warn"]);
    });

    test("valueOfAFlagIsNoVerb", async () => {
      expect(await offers("hftedge config print --config check --orig")).toEqual(["--origins"]);
    });

    test("offersFilesForAFile", async () => {
      expect(await offers("hftedge config check --config sett")).toEqual(["settings.toml"]);
    });

    test("offersTheChoicesOfAnArgument", async () => {
      expect(await offers("hftedge completion ")).toEqual(["bash", "fish", "zsh"]);
    });
  });
}
