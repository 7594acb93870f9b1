/**
 * The compiled program for tests: built once when it is missing or older than its sources, also
 * when several test runs want it at the same time, then run from a folder of its own.
 */
import { setDefaultTimeout } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

// Starting a program a few dozen times takes longer than five seconds on a busy machine.
setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, "../..");
const binary = join(root, "hftedge");
const lock = join(root, "dist", ".test-build.lock");

let built = false;

/** HFTEDGE_TEST_PROGRAM: what the tests run, the "binary" (by default) or the "source". */
export const program = process.env["HFTEDGE_TEST_PROGRAM"] === "source" ? "source" : "binary";

/** What starts the program, before its arguments. */
export function programCommand(): string[] {
  return program === "source" ? [process.execPath, join(root, "src/main.ts")] : [binaryPath()];
}

/** Path of the compiled program, up to date with src. */
export function binaryPath(): string {
  if (built) return binary;
  const deadlineMs = performance.now() + 300_000;
  while (!isFresh()) {
    const held = takeLock();
    if (held === null) {
      if (performance.now() > deadlineMs) throw new Error(`${lock} is held for five minutes`);
      Bun.sleepSync(50);
      continue;
    }
    try {
      if (!isFresh()) build();
    } finally {
      closeSync(held);
      rmSync(lock, { force: true });
    }
  }
  built = true;
  return binary;
}

function isFresh(): boolean {
  const builtMs = mtimeOf(binary);
  if (builtMs === null) return false;
  const sources = ["src", "sql"].flatMap((folder) => {
    const cwd = join(root, folder);
    return [...new Bun.Glob("**/*").scanSync({ cwd })].map((file) => join(cwd, file));
  });
  const inputs = [...sources, join(root, "package.json"), join(root, "bun.lock")];
  return inputs.every((path) => (mtimeOf(path) ?? 0) <= builtMs);
}

function mtimeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** The lock holds its owner's pid, so that one left by a killed run is broken. */
function takeLock(): number | null {
  mkdirSync(join(root, "dist"), { recursive: true });
  try {
    const file = openSync(lock, "wx");
    writeSync(file, String(process.pid));
    return file;
  } catch {
    const owner = Number(readLock());
    if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
    return null;
  }
}

function readLock(): string {
  try {
    return readFileSync(lock, "utf8");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function build(): void {
  const result = Bun.spawnSync([process.execPath, "src/build/build.ts"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (!result.success) throw new Error(`the build failed:\n${result.stderr.toString()}`);
}

export interface RunOptions {
  /** Added to an environment that holds nothing but PATH and directories of the test's own. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string | Uint8Array;
  /** After this the program is killed and the test fails. */
  timeoutMs?: number;
  /** A command that starts the program, such as prlimit with its options. */
  wrap?: readonly string[];
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  await using running = start(args, options);
  return await running.finished;
}

export type Stream = "stdout" | "stderr";

const live = new Set<{ kill(signal: NodeJS.Signals): void }>();
process.on("exit", () => {
  for (const child of live) child.kill("SIGKILL");
});

export interface Running extends AsyncDisposable {
  pid: number;
  /** Home, current folder and state directory of the program; removed at the end. */
  directory: string;
  /** All that was written so far. */
  text(stream: Stream): string;
  /** Resolves with the match as soon as the stream holds one; fails when the program ends before. */
  until(stream: Stream, pattern: RegExp): Promise<RegExpExecArray>;
  write(text: string): void;
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Finished>;
  finished: Promise<Finished>;
}

/** Starts the program; `await using` ends it with the test. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const command = [...(options.wrap ?? []), ...programCommand(), ...args];
  const directory = mkdtempSync(join(tmpdir(), "hftedge-test-"));
  const { timeoutMs = 60_000 } = options;
  const child = Bun.spawn(command, {
    cwd: options.cwd ?? directory,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: directory,
      STATE_DIRECTORY: directory,
      ...options.env,
    },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  live.add(child);
  if (options.stdin !== undefined) {
    child.stdin.write(options.stdin);
    void child.stdin.end();
  }
  const texts: Record<Stream, string> = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  let ended = false;
  const drains = (["stdout", "stderr"] as const).map(async (stream) => {
    const decoder = new TextDecoder();
    for await (const chunk of child[stream]) {
      texts[stream] += decoder.decode(chunk, { stream: true });
      for (const check of waiting) check();
    }
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const shown = `hftedge ${args.join(" ")}`;

  async function finish(): Promise<Finished> {
    await Promise.all([child.exited, ...drains]);
    clearTimeout(timer);
    ended = true;
    live.delete(child);
    for (const check of waiting) check();
    rmSync(directory, { recursive: true, force: true });
    if (timedOut) {
      throw new Error(`${shown} did not end in ${timeoutMs} ms:\n${texts.stderr.slice(-2000)}`);
    }
    return { code: child.exitCode, signal: child.signalCode, ...texts };
  }
  const finished = finish();
  // A test that only looks at the beginning need not also handle the end.
  finished.catch(() => {});

  function until(stream: Stream, pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((found, failed) => {
      const check = (): void => {
        const match = pattern.exec(texts[stream]);
        if (match === null && !ended) return;
        waiting.delete(check);
        if (match !== null) found(match);
        else failed(new Error(`${shown} ended without ${pattern}:\n${texts.stderr.slice(-2000)}`));
      };
      waiting.add(check);
      check();
    });
  }

  return {
    pid: child.pid,
    directory,
    text: (stream) => texts[stream],
    until,
    write: (text) => {
      child.stdin.write(text);
      void child.stdin.flush();
    },
    signal: (signal) => child.kill(signal),
    stop: () => {
      child.kill("SIGTERM");
      return finished;
    },
    finished,
    [Symbol.asyncDispose]: async () => {
      if (!ended) child.kill("SIGKILL");
      await finished.catch(() => {});
    },
  };
}

// Built while the file is loaded, so that no test's time-out has to hold a build.
programCommand();
