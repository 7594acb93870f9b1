import { Command } from "commander";
import { originOf, type LoadedConfig } from "../config/load.ts";
import { valueAt } from "../config/issue.ts";
import { configJsonSchema, formatDefault, optionTable, sectionTable } from "../config/option.ts";
import { kibibytes } from "../unit.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { alignColumns, print, printJson, printLine, say } from "./output.ts";

export function configCommand(): Command {
  const command = new Command("config").description(
    "Prints, checks or starts a configuration. A flag wins over the environment, the environment\n" +
      "over the file, the file over the default.",
  );
  command.addCommand(printCommand());
  command.addCommand(checkCommand());
  command
    .command("schema")
    .description("Prints the JSON schema of hftedge.toml, for editors.")
    .action(() => printJson(configJsonSchema()));
  command
    .command("init")
    .description("Prints a configuration file with every option, commented, at its default.")
    .action(async () => {
      const { initFile } = await import("../config/init-file.ts");
      print(initFile());
    });
  return command;
}

function printCommand(): Command {
  const command = new Command("print")
    .description("Prints every option and its value; secrets are masked.")
    .option("--origins", "say where each value comes from")
    .option("--memory", "print what the tables take that are allocated at the start")
    .option("--json", "print JSON")
    .action(async (options: { origins?: true; memory?: true; json?: true }) => {
      const loaded = loadFromCommand(command);
      if (options.memory) return await printMemory(loaded, options.json === true);
      if (options.json) printJson(options.origins ? withOrigins(loaded) : masked(loaded));
      else printText(loaded, options.origins === true);
    });
  return addConfigOptions(command);
}

function checkCommand(): Command {
  const command = new Command("check")
    .description("Reports every mistake of the configuration; exits 0 when there is none.")
    .option("--json", "print JSON")
    .action(async (options: { json?: true }) => {
      const loaded = loadFromCommand(command);
      const { checkRules } = await import("../thread/rule-check.ts");
      checkRules(loaded);
      const { file, dataDirectory } = loaded;
      if (options.json) return printJson({ valid: true, file, dataDirectory, mistakes: [] });
      say(`the configuration is valid (${file ?? "no file"}; data in ${dataDirectory})`);
    });
  return addConfigOptions(command);
}

/** Imported late: every other use of this command does without the whole engine. */
async function printMemory({ config, dataDirectory }: LoadedConfig, json: boolean): Promise<void> {
  const { memoryReport, memoryTotal } = await import("../thread/memory-report.ts");
  const { planRun } = await import("../thread/plan.ts");
  const rows = memoryReport(planRun(config, dataDirectory, Date.now()));
  const totalBytes = memoryTotal(rows);
  if (json) return printJson({ tables: rows, totalBytes, limitMb: config.memory.limitMb });
  const lines = rows.map(({ table, bytes, options }) => [table, kibibytes(bytes), options]);
  const limit = `of memory.limitMb = ${config.memory.limitMb}`;
  printLine(alignColumns([...lines, ["together", kibibytes(totalBytes), limit]]));
}

interface Value {
  path: string;
  value: unknown;
  secret: boolean;
}

/** Every option that has a value, lists of tables by index. */
function valuesOf({ config }: LoadedConfig): Value[] {
  const tree = config as unknown as Record<string, unknown>;
  return sectionTable().flatMap(({ name, list }) => {
    const rows = optionTable().filter(({ section }) => section === name);
    if (!list) {
      return rows.map(({ path, secret }) => {
        return { path, secret, value: valueAt(tree, path.split(".")) };
      });
    }
    return (tree[name] as Record<string, unknown>[]).flatMap((item, index) =>
      rows.map(({ key, secret }) => {
        return { path: `${name}[${index}].${key}`, secret, value: valueAt(item, key.split(".")) };
      }),
    );
  });
}

const mask = "********";

function shown({ secret, value }: Value): unknown {
  return secret && value !== "" ? mask : value;
}

function printText(loaded: LoadedConfig, origins: boolean): void {
  const rows = valuesOf(loaded).map((value) => {
    const text = formatDefault(shown(value));
    const origin = originOf(loaded.origins, value.path);
    return origins ? [value.path, text, origin.where] : [value.path, text];
  });
  printLine(alignColumns(rows));
}

function masked({ config }: LoadedConfig): unknown {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const { section, key, secret } of optionTable()) {
    if (!secret) continue;
    const parts = key.split(".");
    for (const table of [copy[section]].flat()) {
      const parent = valueAt(table, parts.slice(0, -1)) as Record<string, unknown>;
      if (parent[parts.at(-1)!] !== "") parent[parts.at(-1)!] = mask;
    }
  }
  return copy;
}

function withOrigins(loaded: LoadedConfig): unknown {
  return {
    file: loaded.file,
    dataDirectory: loaded.dataDirectory,
    options: valuesOf(loaded).map((value) => {
      const { kind, where } = originOf(loaded.origins, value.path);
      return { path: value.path, value: shown(value), origin: kind, where };
    }),
  };
}
