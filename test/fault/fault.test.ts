/**
 * Every fault in one table, each brought about for a short while on the program itself. Writes
 * dist/faults.md; `bun run test:faults` also brings the README's table up to date.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { replaceGenerated } from "../../src/command/markdown.ts";
import { faults } from "./catalogue.ts";
import { faultNames, faultTable } from "./table.ts";

const root = join(import.meta.dir, "../..");
const readmePath = join(root, "README.md");
const seen = new Map<string, string>();
const broken = "the promise does not hold";

describe("what is promised holds when", () => {
  for (const { name, skip, limitMs = 90_000, provoke } of faults) {
    if (skip !== undefined) seen.set(name, `not tried: ${skip}`);
    test.skipIf(skip !== undefined)(
      skip === undefined ? name : `${name} (${skip})`,
      async () => {
        seen.set(name, broken);
        seen.set(name, await provoke());
      },
      limitMs,
    );
  }
});

test("the README's table has the same faults", async () => {
  const readme = await Bun.file(readmePath).text();
  const [, table = ""] =
    /<!-- begin faults -->\n+([\s\S]*?)\n+<!-- end faults -->/.exec(readme) ?? [];
  expect(faultNames(table)).toEqual(faults.map(({ name }) => name));
});

afterAll(async () => {
  // A run of single tests says nothing about the rest.
  if (faults.some(({ name }) => !seen.has(name))) return;
  const table = faultTable(faults, seen);
  mkdirSync(join(root, "dist"), { recursive: true });
  await Bun.write(join(root, "dist/faults.md"), `${table}\n`);
  if (process.env["HFTEDGE_WRITE_README"] !== "1" || [...seen.values()].includes(broken)) return;
  const readme = await Bun.file(readmePath).text();
  await Bun.write(readmePath, replaceGenerated(readme, "faults", table));
});
