/** The packages whose code is in the binary, and their licence texts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface BundledPackage {
  name: string;
  version: string;
  /** SPDX expression. */
  license: string;
  /** The package's own licence file, which its terms ask to be passed on. */
  text: string;
}

interface Manifest {
  version?: string;
  license?: string;
}

/** Walks the module graph of the bundle, so that only what really is inside is named. */
export async function bundledPackages(
  root: string,
  entrypoints: string[],
): Promise<BundledPackage[]> {
  const result = await Bun.build({ entrypoints, target: "bun", metafile: true, throw: false });
  if (!result.success) throw new AggregateError(result.logs, "cannot bundle");
  const inputs = Object.keys(result.metafile?.inputs ?? {});
  const names = new Set<string>();
  for (const input of inputs) {
    const name = packageOf(input);
    if (name !== null) names.add(name);
  }
  return [...names].toSorted().map((name) => readPackage(join(root, "node_modules", name), name));
}

/** "node_modules/@hono/x/dist/a.js" → "@hono/x"; nested copies count as the innermost. */
function packageOf(path: string): string | null {
  const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
  return match?.[1] ?? null;
}

function readPackage(folder: string, name: string): BundledPackage {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const { version, license } = manifest;
  if (version === undefined || license === undefined) {
    throw new Error(`${name} names no version or no licence in its package.json`);
  }
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
  return { name, version, license, text };
}
