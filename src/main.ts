/** argv → command. This is the only place that ends the process. */
import { CommanderError } from "commander";
import { outputFailed, PipeClosedError, printJson, say } from "./command/output.ts";
import { commandTable, createProgram } from "./command/table.ts";
import { ConfigError } from "./config/mistake.ts";
import { EdgeError } from "./error.ts";

/** An error of ours rather than of the world, as in sysexits.h. */
const EX_SOFTWARE = 70;
const drainMs = 2000;

// A reader that leaves (`| head`) ends the program quietly, unless the command goes on without it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount("error") > 1) return;
  if (error.code === "EPIPE") process.exit(0);
  process.exit(report(outputFailed(error.code ?? "unknown"), []));
});
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => process.exit(report(error, [])));
}
const code = await main(process.argv.slice(2));
// What is still queued for a pipe would be lost by an exit; a stalled reader does not hold us long.
await Promise.race([
  new Promise<void>((written) => process.stdout.write("", () => written())),
  Bun.sleep(drainMs),
]);
process.exit(code);

async function main(args: readonly string[]): Promise<number> {
  try {
    if (args[0] === "-V" || args[0] === "--version") args = ["version"];
    const wanted = args.find((arg) => !arg.startsWith("-") && arg !== "help") ?? null;
    const known = commandTable.some(({ name }) => name === wanted);
    const program = await createProgram(known ? wanted : null);
    await program.parseAsync(args as string[], { from: "user" });
    return chosenCode();
  } catch (error) {
    return report(error, args);
  }
}

/** What a command has set, e.g. because it took back what it had done. */
function chosenCode(): number {
  return typeof process.exitCode === "number" ? process.exitCode : 0;
}

function report(error: unknown, args: readonly string[]): number {
  if (error instanceof PipeClosedError) return chosenCode();
  // Commander has written its own words; help that was asked for is no failure.
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof EdgeError) {
    if (args.includes("--json")) printJson({ error: errorJson(error) });
    else {
      say(`hftedge: ${error.message}`);
      if (error.hint !== "") say(`  ${error.hint}`);
    }
    return 1;
  }
  say(`hftedge: a mistake of this program, please report it with these lines`);
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EX_SOFTWARE;
}

function errorJson(error: EdgeError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    ...(error instanceof ConfigError ? { mistakes: error.mistakes } : {}),
  };
}
