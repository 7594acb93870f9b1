/**
 * Compiles ./hftedge: `bun run build [--target=bun-linux-arm64] [--outfile=PATH]`.
 * The version, commit and build date are baked in as constants.
 */
import { $ } from "bun";
import { parseArgs } from "node:util";
import manifest from "../../package.json";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: {
    target: {
      type: "string",
      default: process.arch === "arm64" ? "bun-linux-arm64" : "bun-linux-x64",
    },
    outfile: { type: "string", default: "hftedge" },
  },
});

const root = new URL("../..", import.meta.url).pathname;
const commit =
  (await $`git rev-parse --short=12 HEAD`.cwd(root).nothrow().quiet().text()).trim() || "unknown";
const commitTime =
  (await $`git log -1 --format=%cI`.cwd(root).nothrow().quiet().text()).trim() || "unknown";

// A Worker inside a compiled binary must be an entry point of its own.
const workers: string[] = [];

const build = Bun.spawnSync(
  [
    process.execPath,
    "build",
    "--compile",
    "--bytecode",
    "--format=esm",
    "--minify",
    "--sourcemap",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--target=${values.target}`,
    `--define=BUILD_VERSION=${JSON.stringify(manifest.version)}`,
    `--define=BUILD_COMMIT=${JSON.stringify(commit)}`,
    `--define=BUILD_TIME=${JSON.stringify(commitTime)}`,
    "src/main.ts",
    ...workers,
    "--outfile",
    values.outfile,
  ],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
if (!build.success) throw new Error(`bun build failed with exit code ${build.exitCode}`);
