/** Everything that is inside the binary, and under which terms. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { pageEntry } from "../web/bundle.ts";
import { runtimeNotice } from "./runtime.ts";

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

/**
 * This program, the packages that the module graphs of the program and of its dashboard really
 * reach, and the runtime.
 */
export async function bundledPackages(
  root: string,
  entrypoints: string[],
): Promise<BundledPackage[]> {
  const result = await Bun.build({
    entrypoints: [...entrypoints, pageEntry],
    target: "bun",
    metafile: true,
    throw: false,
  });
  if (!result.success) throw new AggregateError(result.logs, "cannot bundle");
  const folders = new Map<string, string>();
  for (const input of Object.keys(result.metafile?.inputs ?? {})) {
    const found = packageOf(resolve(input));
    if (found !== null) folders.set(found.folder, found.name);
  }
  const own = {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license,
    text: readFileSync(join(root, "LICENSE"), "utf8").trim(),
  };
  const packages = [...folders]
    .map(([folder, name]) => readPackage(folder, name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    own,
    ...packages,
    { name: "bun", version: Bun.version, license: "MIT", text: runtimeNotice() },
  ];
}

/** "/a/node_modules/@hono/x/dist/a.js" → @hono/x; of nested copies the innermost. */
export function packageOf(path: string): { name: string; folder: string } | null {
  const match = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(path);
  return match === null ? null : { folder: match[1]!, name: match[2]! };
}

function readPackage(folder: string, name: string): BundledPackage {
  const { version, license } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as Manifest;
  if (version === undefined || license === undefined) {
    throw new Error(`${name} names no version or no licence in its package.json`);
  }
  return { name, version, license, text: licenseText(folder, license) };
}

/** The package's own file, or the common text of its licence where it comes without one. */
function licenseText(folder: string, license: string): string {
  const own = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
  const common = join(import.meta.dir, "license-text", `${license}.txt`);
  const path = own === undefined ? common : join(folder, own);
  if (!existsSync(path)) {
    throw new Error(
      `${folder} comes without a licence file; put the text of ${license} at ${common}`,
    );
  }
  return readFileSync(path, "utf8").trim();
}
