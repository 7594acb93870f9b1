import { Command } from "commander";
import { print } from "./output.ts";
import { specOf } from "./spec.ts";

export function manCommand(): Command {
  return new Command("man")
    .description("Prints the manual page.")
    .addHelpText("after", "\nExample:\n  hftedge man | man -l -")
    .action(async () => {
      const { createProgram } = await import("./table.ts");
      const { manPage } = await import("./man-page.ts");
      print(manPage(specOf(await createProgram(null))));
    });
}
