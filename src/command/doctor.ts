/** `hftedge doctor`: what on this machine costs latency, with evidence and a remedy. */
import { Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../config/mistake.ts";
import { connectsMax, parseTarget, probeConnect, renderConnect } from "../doctor/connect.ts";
import { noNeeds, systemClock, type MachineNeeds } from "../doctor/context.ts";
import { diagnose, type DiagnoseOptions } from "../doctor/diagnose.ts";
import { readDrift } from "../doctor/drift.ts";
import { areas, severities, type Area, type Severity } from "../doctor/finding.ts";
import { renderDiagnosis } from "../doctor/render.ts";
import { EdgeError } from "../error.ts";
import { runTool } from "../host/tool.ts";
import { machineNeeds } from "../thread/machine-need.ts";
import { whole } from "./argument.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { print, printJson, printLine } from "./output.ts";
import { ownProgram } from "./tune-option.ts";

interface DoctorFlags {
  json?: boolean;
  exitCode?: Severity;
  watch?: true | number;
  window: number;
  area?: Area[];
  passive?: boolean;
  throughput?: boolean;
  probe?: { host: string; port: number };
  count: number;
  root?: string;
}

const watchSDefault = 5;
const connectPauseMs = 10;
const connectTimeoutMs = 1000;

function positive(max: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value > 0 && value <= max)) {
      throw new InvalidArgumentError(`Give a number of ${unit} above 0 and up to ${max}.`);
    }
    return value;
  };
}

function target(text: string): { host: string; port: number } {
  const parsed = parseTarget(text);
  if (parsed === undefined) throw new InvalidArgumentError("Give HOST:PORT.");
  return parsed;
}

function area(text: string, before: Area[] | undefined): Area[] {
  const names = text.split(",");
  for (const name of names) {
    if (!areas.includes(name as Area)) {
      throw new InvalidArgumentError(`Choose from ${areas.join(", ")}.`);
    }
  }
  return [...(before ?? []), ...(names as Area[])];
}

/** The exit code that monitoring tools expect: 0 fine, 1 warning, 2 critical. */
export function severityExitCode(worst: Severity, from: Severity): number {
  const rank = severities.indexOf(worst);
  if (rank < severities.indexOf(from) || worst === "ok") return 0;
  return worst === "critical" ? 2 : 1;
}

/** The size to draw for, and whether colours are welcome (https://no-color.org). */
function terminal(): { columns: number; colour: boolean } {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const plain = (NO_COLOR ?? "") !== "" || TERM === "dumb";
  const colour = !plain && (process.stdout.isTTY === true || (FORCE_COLOR ?? "") !== "");
  return { columns: process.stdout.columns || 100, colour };
}

/** An invalid configuration is a finding here; what it would have asked for is then unknown. */
function needsOf(command: Command, root: string | undefined): MachineNeeds {
  try {
    const loaded = loadFromCommand(command);
    const needs = machineNeeds(loaded, ownProgram());
    if (root === undefined) return needs;
    return { ...needs, drift: () => readDrift(runTool, ownProgram(), ["--root", root]) };
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    const problems =
      error instanceof ConfigError
        ? error.mistakes.map(({ key, reason }) => `${key} ${reason}`)
        : [error.message];
    return { ...noNeeds, config: { file: "the configuration", problems } };
  }
}

async function examine(command: Command, flags: DoctorFlags, signal: AbortSignal): Promise<void> {
  const options: DiagnoseOptions = {
    windowMs: flags.window,
    needs: needsOf(command, flags.root),
    active: flags.passive !== true,
    throughput: flags.throughput === true,
  };
  if (flags.root !== undefined) options.root = flags.root;
  if (flags.area !== undefined) options.areas = flags.area;
  const watches = flags.watch !== undefined;
  const intervalMs = (typeof flags.watch === "number" ? flags.watch : watchSDefault) * 1000;
  for (;;) {
    const diagnosis = await diagnose(options);
    if (signal.aborted) return;
    if (flags.json !== true) {
      const home = watches && process.stdout.isTTY ? "\x1b[H\x1b[2J" : "";
      print(`${home}${renderDiagnosis(diagnosis, terminal())}\n`);
    } else if (watches) {
      printLine(JSON.stringify(diagnosis));
    } else {
      printJson(diagnosis);
    }
    if (flags.exitCode !== undefined) {
      process.exitCode = severityExitCode(diagnosis.worst, flags.exitCode);
    }
    if (!watches) return;
    await pause(intervalMs, signal);
    if (signal.aborted) return;
  }
}

async function probe(flags: DoctorFlags, signal: AbortSignal): Promise<void> {
  const report = await probeConnect({
    ...flags.probe!,
    count: flags.count,
    pauseMs: connectPauseMs,
    timeoutMs: connectTimeoutMs,
    clock: systemClock,
    signal,
  });
  if (flags.json === true) printJson(report);
  else printLine(renderConnect(report));
  if (report.failed === report.count) process.exitCode = 1;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

/** The subcommand; the caller adds it to the program. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description(
      "Examines this machine: findings with evidence, why they cost latency, and a remedy.\n" +
        "Changes nothing; what this machine has no use for is called not applicable.",
    )
    .option("--json", "print the findings as JSON (with --watch: one document a line)")
    .addOption(
      new Option(
        "--exit-code [severity]",
        "exit with 1 for warnings and 2 for critical findings, from this severity on",
      )
        .choices(["note", "warning", "critical"])
        .preset("warning"),
    )
    .option("--area <names>", `examine only these: ${areas.join(", ")}`, area)
    .option(
      "--watch [seconds]",
      `examine again and again, every ${watchSDefault} s or as given`,
      positive(86_400, "seconds"),
    )
    .option(
      "--window <ms>",
      "time between the two readings of counters",
      positive(60_000, "ms"),
      500,
    )
    .option("--passive", "send no request to a loaded model")
    .option("--throughput", "also measure sequential writes to the data directory (up to 64 MiB)")
    .addOption(
      new Option(
        "--probe <host:port>",
        "measure round trips of TCP connects to this address, and nothing else",
      ).argParser(target),
    )
    .option("--count <n>", "connects of --probe", whole(1, connectsMax), 100)
    .addOption(new Option("--root <directory>", "read this directory in place of /").hideHelp())
    .action(async (flags: DoctorFlags) => {
      const stop = new AbortController();
      const abort = (): void => stop.abort();
      process.once("SIGINT", abort);
      process.once("SIGTERM", abort);
      try {
        if (flags.probe === undefined) await examine(command, flags, stop.signal);
        else await probe(flags, stop.signal);
      } finally {
        process.off("SIGINT", abort);
        process.off("SIGTERM", abort);
      }
    });
  return addConfigOptions(command, ["feed", "data", "inference"]);
}
