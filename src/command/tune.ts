/** `hftedge tune`: settings of the machine, planned, applied, checked and taken back. */
import { Command } from "commander";
import { makePlan } from "../tune/plan.ts";
import { planJson, renderPlan, renderVerdicts } from "../tune/render.ts";
import { print, printJson } from "./output.ts";
import { addPlanOptions, hostOf, requestOf, type TuneFlags } from "./tune-option.ts";

function planCommand(): Command {
  return addPlanOptions(new Command("plan"))
    .description("Shows what would change, why, and the diff of each file; needs no root.")
    .option("--explain", "print every setting with its verdict, as a Markdown table")
    .action((_flags: TuneFlags, command: Command) => {
      const flags = command.optsWithGlobals<TuneFlags>();
      if (flags.explain === true) return print(renderVerdicts());
      const host = hostOf(flags);
      const plan = makePlan(host, requestOf(flags, host));
      if (flags.json === true) printJson(planJson(plan));
      else print(renderPlan(plan));
    });
}

/** The subcommand; the caller adds it to the program. */
export function tuneCommand(): Command {
  const command = new Command("tune").description(
    "Shows and changes the settings of this machine that cost latency.",
  );
  command.addCommand(planCommand());
  return command;
}
