/** `hftedge tune`: settings of the machine, planned, applied, checked and taken back. */
import { Command, Option } from "commander";
import { renderVerdicts } from "../tune/render.ts";
import { print } from "./output.ts";
import { applyOnly, planAndApply, showPlan, showStatus, takeBack } from "./tune-action.ts";
import { addApplyOptions, addPlanOptions, type TuneFlags } from "./tune-option.ts";

type Action = (flags: TuneFlags) => void | Promise<void>;

/** Flags may stand before the verb or after it. */
function verb(name: string, description: string, action: Action): Command {
  return addPlanOptions(new Command(name))
    .description(description)
    .action(async (_flags: TuneFlags, command: Command) => {
      await action(command.optsWithGlobals<TuneFlags>());
    });
}

/** The subcommand; the caller adds it to the program. */
export function tuneCommand(): Command {
  const command = addApplyOptions(addPlanOptions(new Command("tune")))
    .description(
      "Shows and changes the settings of this machine that cost latency. Without a verb it plans,\n" +
        "shows and applies the safe profile; `tune revert` takes everything back.",
    )
    .option("--explain", "print every setting with its verdict, as a Markdown table")
    .action(async (flags: TuneFlags) => {
      if (flags.explain === true) print(renderVerdicts());
      else await planAndApply(flags);
    });
  command.addCommand(
    verb(
      "plan",
      "Shows what would change, why, and the diff of each file; needs no root.",
      (flags) => {
        if (flags.explain === true) print(renderVerdicts());
        else showPlan(flags);
      },
    ),
  );
  command.addCommand(
    addApplyOptions(
      verb("apply", "Applies what the plan shows; a second time changes nothing.", applyOnly),
    )
      .option("--confirm", "keep the settings of a run that waits for it")
      .addOption(
        new Option("--boot", "apply again what a reboot lost, as its unit does").hideHelp(),
      ),
  );
  command.addCommand(
    verb(
      "status",
      "Compares the machine with what was applied; exits 0 in sync, 2 drift, 3 reboot or restart pending.",
      showStatus,
    ).option("--verify", "watch the GPU's clocks for 3 s, to prove a lock under load"),
  );
  command.addCommand(
    verb(
      "revert",
      "Takes everything back, newest first; what others changed since is left alone.",
      takeBack,
    ).option("--restart", "restart services whose settings changed"),
  );
  return command;
}
