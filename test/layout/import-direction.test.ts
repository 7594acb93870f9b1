/**
 * Imports go one way. This walks every import in src/ and fails on one that points the wrong way,
 * on a cycle between folders, and on an impure word in a pure folder.
 */
import { describe, expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";

const src = join(import.meta.dir, "../../src");

/** What each folder may import besides itself, src/error.ts, src/unit.ts and packages. */
const mayImport: Record<string, readonly string[]> = {
  main: ["command", "config"],
  command: [
    "thread",
    "config",
    "feed",
    "market",
    "decision",
    "inference",
    "telemetry",
    "store",
    "http",
    "web",
    "tune",
    "doctor",
    "demo",
    "replay",
    "host",
  ],
  thread: [
    "config",
    "feed",
    "market",
    "decision",
    "inference",
    "telemetry",
    "store",
    "http",
    "web",
    "tune",
    "doctor",
    "demo",
    "replay",
    "host",
  ],
  config: [],
  feed: ["host"],
  market: [],
  decision: ["market", "telemetry", "feed"],
  telemetry: [],
  inference: ["market", "decision", "telemetry", "store", "host"],
  store: ["telemetry", "host"],
  http: ["store", "telemetry", "web", "doctor", "host"],
  web: [],
  tune: ["host"],
  doctor: ["tune", "host"],
  replay: ["feed", "host"],
  demo: ["feed", "replay", "host"],
  host: [],
  build: ["command", "config", "web"],
};

/** Errors and numbers for people: pure, and used by every part. */
const foundations = ["error", "unit"];

/** Bytes and numbers in, values out: these know no clock, no runtime and no I/O. */
const pureFolders = ["market", "decision", "telemetry"];
const impureFeedFiles = ["feed/socket.ts", "feed/rerequest.ts", "feed/receive-poll.ts"];
const impure =
  /\bBun\.|\bprocess\.|\bfetch\(|\bDate\b|\bperformance\.|\bset(?:Timeout|Interval|Immediate)\(|from "(?:bun|bun:ffi|bun:sqlite|node:(?:fs|net|dgram|child_process|worker_threads|os))/;

interface Import {
  from: string;
  to: string;
}

function folderOf(path: string): string {
  const [first, ...rest] = path.split("/");
  return rest.length === 0 ? (first ?? "").replace(/\.ts$/, "") : (first ?? "");
}

const files = [...new Bun.Glob("**/*.ts").scanSync({ cwd: src })].filter(
  (f) => !f.endsWith(".d.ts"),
);
const transpiler = new Bun.Transpiler({ loader: "ts" });
const sources = new Map<string, string>();
for (const file of files) sources.set(file, await Bun.file(join(src, file)).text());

/** Type-only imports count too, so they are found by text rather than by the transpiler alone. */
function importsOf(file: string, text: string): Import[] {
  const paths = new Set(transpiler.scanImports(text).map((i) => i.path));
  for (const match of text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)) paths.add(match[1]!);
  return [...paths]
    .filter((path) => path.startsWith("."))
    .map((path) => ({ from: file, to: normalize(join(dirname(file), path)) }));
}

const imports = files.flatMap((file) => importsOf(file, sources.get(file)!));

describe("imports", () => {
  test("go one way only", () => {
    const breaches = imports.filter(({ from, to }) => {
      const source = folderOf(from);
      const target = folderOf(to);
      if (source === target || foundations.includes(target) || to.startsWith("..")) return false;
      return !(mayImport[source] ?? []).includes(target);
    });
    expect(breaches).toEqual([]);
  });

  test("the table above has no cycle", () => {
    const done = new Set<string>();
    const visit = (folder: string, path: string[]): void => {
      expect(path, `cycle through ${folder}`).not.toContain(folder);
      if (done.has(folder)) return;
      for (const next of mayImport[folder] ?? []) visit(next, [...path, folder]);
      done.add(folder);
    };
    for (const folder of Object.keys(mayImport)) visit(folder, []);
  });

  test("every folder is in the table", () => {
    const folders = new Set(files.filter((f) => f.includes("/")).map(folderOf));
    expect([...folders].filter((f) => mayImport[f] === undefined)).toEqual([]);
  });
});

describe("purity", () => {
  test("pure folders know no clock, runtime or I/O", () => {
    const breaches: string[] = [];
    for (const [file, text] of sources) {
      const pure =
        pureFolders.includes(folderOf(file)) ||
        (folderOf(file) === "feed" && !impureFeedFiles.includes(file));
      if (!pure) continue;
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
      code.split("\n").forEach((line, index) => {
        if (impure.test(line)) breaches.push(`src/${file}:${index + 1}: ${line.trim()}`);
      });
    }
    expect(breaches).toEqual([]);
  });

  test("process.exit is in main.ts only", () => {
    const offenders = [...sources].filter(([f, t]) => f !== "main.ts" && /process\.exit\(/.test(t));
    expect(offenders.map(([file]) => file)).toEqual([]);
  });
});
