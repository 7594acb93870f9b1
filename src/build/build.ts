/**
 * Compiles ./hftedge: `bun run build [--target=bun-linux-arm64] [--outfile=PATH]`.
 * The version, the commit and its date are baked in as constants.
 */
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { compile, hostTarget, targets, type Target } from "./compile.ts";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: {
    target: { type: "string", default: hostTarget() },
    outfile: { type: "string", default: "hftedge" },
  },
});
if (!targets.includes(values.target as Target)) {
  throw new Error(`unknown target ${values.target}; known: ${targets.join(", ")}`);
}
const packages = await compile(values.target as Target, values.outfile);
const mebibytes = (statSync(values.outfile).size / 1024 ** 2).toFixed(0);
console.log(`${values.outfile}: ${mebibytes} MiB, ${packages.length} packages inside`);
