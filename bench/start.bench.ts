/**
 * How long the compiled program takes to start: spawn → exit of the short commands, and spawn →
 * READY=1 of `run`, which then has its memory, sockets and workers. Beside them a program of one
 * line, compiled by the same Bun: what the runtime alone costs.
 *
 * Prints the median and the worst of the repetitions in ms. `bun bench/start.bench.ts [repetitions]`.
 */
import { figure } from "./report.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath } from "../test/support/binary.ts";
import { emptyDirectory } from "../test/support/directory.ts";
import { notifySocket } from "../test/support/notify-socket.ts";

const repetitions = Number(Bun.argv[2] ?? "20");
using folder = emptyDirectory();
const program = binaryPath();
const env = { PATH: process.env["PATH"] ?? "", HOME: folder.path, STATE_DIRECTORY: folder.path };

/** The floor: the same runtime with nothing to do. */
async function bare(): Promise<string> {
  const source = join(folder.path, "bare.ts");
  const outfile = join(folder.path, "bare");
  writeFileSync(source, 'process.stdout.write("x\\n");\n');
  const result = await Bun.build({
    entrypoints: [source],
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
    bytecode: true,
    format: "esm",
  });
  if (!result.success) throw new AggregateError(result.logs);
  return outfile;
}

async function untilExit(command: string[]): Promise<number> {
  const before = performance.now();
  const child = Bun.spawn(command, { cwd: folder.path, env, stdout: "ignore", stderr: "ignore" });
  await child.exited;
  return performance.now() - before;
}

async function untilReady(args: string[]): Promise<number> {
  using manager = notifySocket(`@hftedge-bench-${process.pid}-${performance.now()}`);
  const before = performance.now();
  const child = Bun.spawn([program, ...args], {
    cwd: folder.path,
    env: { ...env, NOTIFY_SOCKET: manager.name },
    stdout: "ignore",
    stderr: "ignore",
  });
  await manager.until(/^READY=1/);
  const ms = performance.now() - before;
  child.kill("SIGTERM");
  await child.exited;
  return ms;
}

async function measure(name: string, once: () => Promise<number>): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < repetitions; count++) times.push(await once());
  times.sort((a, b) => a - b);
  const [median, worst] = [times[times.length >> 1]!, times.at(-1)!];
  figure(import.meta.path, name, median, "ms");
  console.log(
    `${name.padEnd(34)} ${median.toFixed(1).padStart(8)} ${worst.toFixed(1).padStart(8)}`,
  );
}

const runArgs = "run --inference-engine rules --http-listen= --feed udp://127.0.0.1:0".split(" ");
const floor = await bare();
console.log(
  `${`ms, ${repetitions} repetitions`.padEnd(34)} ${"median".padStart(8)} ${"worst".padStart(8)}`,
);
await measure("floor: an empty program, to its end", () => untilExit([floor]));
await measure("version, to its end", () => untilExit([program, "version"]));
await measure("config check, to its end", () => untilExit([program, "config", "check"]));
await measure("help, to its end", () => untilExit([program, "help"]));
await measure("run, to ready", () => untilReady(runArgs));
await measure("run, to ready, memory not locked", () =>
  untilReady([...runArgs, "--memory-lock", "false"]),
);
