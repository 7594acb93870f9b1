import { Command } from "commander";
import { buildFacts } from "../host/build-fact.ts";
import { alignColumns, printJson, printLine } from "./output.ts";

export function versionCommand(): Command {
  return new Command("version")
    .description("Prints the version, and with what, when and from which commit it was built.")
    .option("--json", "print JSON")
    .action(({ json }: { json?: true }) => {
      const facts = buildFacts();
      if (json) return printJson(facts);
      printLine(`hftedge ${facts.version}`);
      const { version: _, ...rest } = facts;
      printLine(alignColumns(Object.entries(rest).map(([name, value]) => [`  ${name}`, value])));
    });
}
