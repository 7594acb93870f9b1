/**
 * `bun run release [--outdir=dist]`: for each platform the binary and its bill of materials, and
 * one file of checksums. The same commit and the same Bun give the same bytes.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildFact, compile, root, targets } from "./compile.ts";
import { runtimeLibraries } from "./runtime.ts";
import { bomOf } from "./sbom.ts";
import { tryBinary } from "./trial.ts";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { outdir: { type: "string", default: "dist" } },
});
const outdir = resolve(root, values.outdir);
mkdirSync(outdir, { recursive: true });

const fact = await buildFact();
const files: string[] = [];
for (const target of targets) {
  const binary = join(outdir, `hftedge-${fact.version}-${target.replace("bun-", "")}`);
  const packages = await compile(target, binary);
  chmodSync(binary, 0o755);
  console.error(`${basename(binary)}: ${tryBinary(binary, target, fact)}`);
  const bom = bomOf({
    fact,
    target,
    sha256: await sha256Of(binary),
    packages,
    libraries: runtimeLibraries(),
  });
  await Bun.write(`${binary}.cdx.json`, `${JSON.stringify(bom, null, 2)}\n`);
  files.push(binary, `${binary}.cdx.json`);
}
const sums: string[] = [];
for (const file of files) sums.push(`${await sha256Of(file)}  ${basename(file)}`);
await Bun.write(join(outdir, "SHA256SUMS"), `${sums.join("\n")}\n`);
console.log(sums.join("\n"));

async function sha256Of(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}
