/** Compiles the program and its workers into one file that runs alone. */
import { $ } from "bun";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { packPage } from "../web/page.ts";
import { bundledPackages, type BundledPackage } from "./bundle.ts";

export const targets = ["bun-linux-x64", "bun-linux-arm64"] as const;
export type Target = (typeof targets)[number];

export const root = resolve(import.meta.dir, "../..");

export interface BuildFact {
  version: string;
  commit: string;
  /** Time of the commit rather than of the build: the same commit must give the same bytes. */
  committed: string;
}

export function hostTarget(): Target {
  return process.arch === "arm64" ? "bun-linux-arm64" : "bun-linux-x64";
}

async function git(...args: string[]): Promise<string> {
  return (await $`git ${args}`.cwd(root).nothrow().quiet().text()).trim() || "unknown";
}

/** A binary that no commit describes must not claim one. */
async function changes(): Promise<string> {
  const status = await $`git status --porcelain`.cwd(root).nothrow().quiet().text();
  return status.trim() === "" ? "" : "-dirty";
}

export async function buildFact(): Promise<BuildFact> {
  return {
    version: manifest.version,
    commit: `${await git("rev-parse", "--short=12", "HEAD")}${await changes()}`,
    committed: await git("log", "-1", "--format=%cI"),
  };
}

/** A Worker inside a compiled binary must be an entry point of its own. */
export function entryPoints(): string[] {
  const workers = ["feed", "inference", "ops", "demo", "drift", "bench"].map(
    (name) => `src/thread/${name}.ts`,
  );
  return ["src/main.ts", ...workers].map((path) => join(root, path));
}

/**
 * Builds in a folder of its own and renames at the end, so that a build that fails or a process
 * that runs the old file never meets half of a new one. Returns the packages inside.
 */
export async function compile(target: Target, outfile: string): Promise<BundledPackage[]> {
  const entrypoints = entryPoints();
  const packages = await bundledPackages(root, entrypoints);
  const page = await packPage();
  const { version, commit, committed } = await buildFact();
  const folder = join(root, "dist", `.build-${process.pid}-${target}`);
  mkdirSync(folder, { recursive: true });
  try {
    const built = join(folder, "hftedge");
    const result = await Bun.build({
      entrypoints,
      root: join(root, "src"),
      compile: { target, outfile: built, autoloadDotenv: false, autoloadBunfig: false },
      bytecode: true,
      format: "esm",
      minify: true,
      sourcemap: "linked",
      throw: false,
      define: {
        BUILD_VERSION: JSON.stringify(version),
        BUILD_COMMIT: JSON.stringify(commit),
        BUILD_TIME: JSON.stringify(committed),
        BUILD_PAGE: JSON.stringify(page),
        BUILD_NOTICE: JSON.stringify(JSON.stringify(packages)),
      },
    });
    if (!result.success) throw new AggregateError(result.logs, `cannot compile for ${target}`);
    renameSync(built, resolve(root, outfile));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return packages;
}
