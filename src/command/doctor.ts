/** `hftedge doctor`: what on this machine costs latency, with evidence and a remedy. */
import { Command, InvalidArgumentError, Option } from "commander";
import { diagnose, type DiagnoseOptions } from "../doctor/diagnose.ts";
import { areas, severities, type Area, type Severity } from "../doctor/finding.ts";
import { renderDiagnosis } from "../doctor/render.ts";

interface DoctorFlags {
  json?: boolean;
  exitCode?: boolean | Severity;
  watch?: boolean | number;
  window: number;
  area?: Area[];
  root?: string;
}

function positive(max: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value > 0 && value <= max)) {
      throw new InvalidArgumentError(`Give a number of ${unit} above 0 and up to ${max}.`);
    }
    return value;
  };
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

async function examine(flags: DoctorFlags, signal: AbortSignal): Promise<void> {
  const options: DiagnoseOptions = { windowMs: flags.window };
  if (flags.root !== undefined) options.root = flags.root;
  if (flags.area !== undefined) options.areas = flags.area;
  const intervalMs =
    flags.watch === undefined ? 0 : (flags.watch === true ? 5 : Number(flags.watch)) * 1000;
  for (;;) {
    const diagnosis = await diagnose(options);
    const look = terminal();
    if (flags.json === true) {
      process.stdout.write(
        intervalMs > 0
          ? `${JSON.stringify(diagnosis)}\n`
          : `${JSON.stringify(diagnosis, null, 2)}\n`,
      );
    } else {
      const home = intervalMs > 0 && process.stdout.isTTY === true ? "\x1b[H\x1b[2J" : "";
      process.stdout.write(`${home}${renderDiagnosis(diagnosis, look)}\n`);
    }
    if (flags.exitCode !== undefined) {
      const from = flags.exitCode === true ? "warning" : (flags.exitCode as Severity);
      process.exitCode = severityExitCode(diagnosis.worst, from);
    }
    if (intervalMs === 0 || signal.aborted) return;
    await pause(intervalMs, signal);
    if (signal.aborted) return;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

/** The subcommand; the caller adds it to the program. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "Examine this machine: findings with evidence, why they cost latency, and a remedy",
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
    .option("--watch [seconds]", "examine again and again (every 5 s)", positive(86_400, "seconds"))
    .option(
      "--window <ms>",
      "time between the two readings of counters",
      positive(60_000, "ms"),
      500,
    )
    .addOption(new Option("--root <directory>", "read this directory in place of /").hideHelp())
    .action(async (flags: DoctorFlags) => {
      const stop = new AbortController();
      const abort = (): void => stop.abort();
      process.once("SIGINT", abort);
      process.once("SIGTERM", abort);
      try {
        await examine(flags, stop.signal);
      } finally {
        process.off("SIGINT", abort);
        process.off("SIGTERM", abort);
      }
    });
}
