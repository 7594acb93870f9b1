/** Every option of the configuration as a flag of a command. */
import { type Command, Option } from "commander";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { EdgeError } from "../error.ts";
import { optionTable, sectionTable, type OptionRow } from "../config/option.ts";

const configFlagHelp =
  "Configuration file. [default: ./hftedge.toml, else /etc/hftedge/hftedge.toml]";

/** Adds --config, --feed, --sink and one flag an option; `sections` limits the last. */
export function addConfigOptions(command: Command, sections?: readonly string[]): Command {
  command.addOption(new Option("--config <file>", configFlagHelp).helpGroup("Configuration:"));
  for (const { name, help, list } of sectionTable()) {
    if (!list || (sections && !sections.includes(name))) continue;
    const form = name === "feed" || name === "sink" ? "<url>" : "<json>";
    const option = new Option(`--${name} ${form}`, listHelp(name, help)).argParser(collect);
    command.addOption(option.helpGroup(groupOf(name, help)));
  }
  const groups = new Map(sectionTable().map(({ name, help }) => [name, groupOf(name, help)]));
  for (const row of optionTable()) {
    if (row.flag === null || (sections && !sections.includes(row.section))) continue;
    command.addOption(optionOf(row).helpGroup(groups.get(row.section)!));
  }
  return command;
}

/** A list flag is repeated, so that it never swallows the word after its value. */
function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

function groupOf(name: string, help: string): string {
  return `[${name}] ${help.replace(/\.$/, "")}:`;
}

function listHelp(name: string, help: string): string {
  if (name === "feed") {
    return "Feed, repeatable, as udp://HOST:PORT?format=itch50&name=nasdaq&interface=eth1; any key of [[feed]] may be a parameter. [default: udp://127.0.0.1:26400?format=tick]";
  }
  if (name === "sink") {
    return "Sink, repeatable, as stdout:// or udp://HOST:PORT?encoding=json. [default: stdout://]";
  }
  return help;
}

function optionOf(row: OptionRow): Option {
  // A switch may stand alone: --memory-lock is --memory-lock true.
  const [open, close] = row.type === "boolean" ? ["[", "]"] : ["<", ">"];
  return new Option(`${row.flag} ${open}${placeholder(row)}${close}`, optionHelp(row));
}

function placeholder(row: OptionRow): string {
  return row.form === "N" && row.unit !== null ? row.unit.replaceAll(" ", "-") : row.form;
}

/** "Help sentence. [1..60000 ms, default: 100, reloads]" */
export function optionHelp(row: OptionRow): string {
  const facts = [
    row.bounds === null ? null : `${row.bounds}${row.unit === null ? "" : ` ${row.unit}`}`,
    `default: ${row.defaultText}`,
    row.reload ? "reloads" : null,
  ].filter((fact) => fact !== null);
  return `${row.help} [${facts.join(", ")}]`;
}

/**
 * Loads the configuration with the flags that were given to a command. `preset` are flags that the
 * command sets by itself; what the user gave wins.
 */
export function loadFromCommand(
  command: Command,
  preset: Readonly<Record<string, string | readonly string[]>> = {},
): LoadedConfig {
  return loadConfig({
    flags: { ...preset, ...flagsOf(command) },
    env: process.env,
    directory: currentDirectory(),
    userId: process.getuid?.() ?? -1,
  });
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new EdgeError(
      "NO_CURRENT_FOLDER",
      "the current folder does not exist any more",
      "Change to one that does: cd",
      error,
    );
  }
}

function flagsOf(command: Command): Record<string, string | readonly string[]> {
  const values = command.opts<Record<string, unknown>>();
  const flags: Record<string, string | readonly string[]> = {};
  const take = (path: string, attribute: string): void => {
    const value = values[attribute];
    if (value === true) flags[path] = "true";
    else if (typeof value === "string" || Array.isArray(value))
      flags[path] = value as string | string[];
  };
  take("config", "config");
  for (const { name, list } of sectionTable()) if (list) take(name, name);
  for (const row of optionTable()) {
    if (row.flag !== null) take(row.path, attributeOf(row.flag));
  }
  return flags;
}

/** Commander's own name for the value of a flag: "--http-listen" → "httpListen". */
function attributeOf(flag: string): string {
  return flag.slice(2).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
