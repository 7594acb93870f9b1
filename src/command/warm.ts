import { Argument, Command } from "commander";
import { planRun } from "../thread/plan.ts";
import { type WarmOutcome, warmRun } from "../thread/warm-run.ts";
import { buildFacts } from "../host/build-fact.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { printJson, printLine, say } from "./output.ts";

export function warmCommand(): Command {
  const command = new Command("warm")
    .description(
      "Asks the model about states before the open, keeps its answers for the next run, and ends.\n" +
        "It goes on where it was stopped. A run warms by itself with inference.warm.",
    )
    .addArgument(
      new Argument("[states]", "which states: all of them, or those that earlier runs observed")
        .choices(["all", "observed"])
        .default("all"),
    )
    .option("--json", "print the outcome as JSON")
    .action(async (what: "all" | "observed", options: { json?: true }) => {
      const { config, dataDirectory } = loadFromCommand(command);
      const stop = new AbortController();
      for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
      const { version, commit } = buildFacts();
      const outcome = await warmRun({
        plan: planRun(config, dataDirectory, Date.now()),
        what,
        program: { version, commit },
        notice: say,
        progress: ({ done, total, ratePerS, leftS }) => {
          const left = leftS === null ? "" : `, ${Math.ceil(leftS)} s left`;
          say(`${done} of ${total} states, ${ratePerS.toFixed(0)}/s${left}`);
        },
        signal: stop.signal,
      });
      if (options.json === true) printJson(outcome);
      else printLine(describe(outcome));
    });
  return addConfigOptions(command, ["inference", "state", "data", "store", "limit"]);
}

function describe({ done, total, failed, version, model, finished }: WarmOutcome): string {
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  const early = finished ? "" : "; stopped early, the next time goes on from here";
  return `${done} of ${total} states have an answer of ${model}, version ${version}${failures}${early}`;
}
