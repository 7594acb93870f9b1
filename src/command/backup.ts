import { join } from "node:path";
import { Command } from "commander";
import { backup } from "../store/backup.ts";
import { historyFile } from "../thread/plan.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { printJson, printLine } from "./output.ts";

export function backupCommand(): Command {
  const command = new Command("backup")
    .description(
      "Copies the history of one moment into a new file, checked and compact, while the service runs.\n" +
        "To restore it, stop the service and put the copy in the place of history.db.",
    )
    .argument("<file>", "the copy; it must not exist yet")
    .option("--json", "print JSON")
    .action((file: string, options: { json?: true }) => {
      const { dataDirectory } = loadFromCommand(command);
      const copy = backup(join(dataDirectory, historyFile), file);
      if (options.json === true) printJson(copy);
      else printLine(`${copy.path}: ${(copy.bytes / 1024 ** 2).toFixed(1)} MiB, checked`);
    });
  return addConfigOptions(command, ["data"]);
}
