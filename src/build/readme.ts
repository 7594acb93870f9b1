/** Brings the generated tables of README.md up to date: `bun src/build/readme.ts`. */
import { join } from "node:path";
import { renderReadme } from "../command/markdown.ts";
import { specOf } from "../command/spec.ts";
import { createProgram } from "../command/table.ts";

const path = join(import.meta.dir, "../../README.md");
const before = await Bun.file(path).text();
const after = renderReadme(before, specOf(await createProgram(null)));
if (after !== before) await Bun.write(path, after);
console.log(after === before ? "README.md is up to date" : "README.md brought up to date");
