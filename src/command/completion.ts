import { Argument, Command } from "commander";
import { print } from "./output.ts";
import { specOf } from "./spec.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

export function completionCommand(): Command {
  return new Command("completion")
    .description("Prints a completion script for a shell.")
    .addArgument(new Argument("<shell>", "shell to complete in").choices(shells))
    .addHelpText(
      "after",
      `
Examples:
  source <(hftedge completion bash)      this bash
  source <(hftedge completion zsh)       this zsh
  hftedge completion fish | source       this fish`,
    )
    .action(async (shell: Shell) => {
      const { createProgram } = await import("./table.ts");
      const program = specOf(await createProgram(null));
      switch (shell) {
        case "bash":
          return print((await import("./completion-bash.ts")).bashCompletion(program));
        case "zsh":
          return print((await import("./completion-zsh.ts")).zshCompletion(program));
        case "fish":
          return print((await import("./completion-fish.ts")).fishCompletion(program));
      }
    });
}
