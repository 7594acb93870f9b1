/** The command tree as plain data: completions, the man page and the README read it. */
import type { Argument, Command, Option } from "commander";

export interface FlagSpec {
  long: string;
  short: string | null;
  /** "HOST:PORT"; null for a switch. */
  placeholder: string | null;
  /** The value may be left out. */
  optional: boolean;
  help: string;
  group: string;
  value: ValueSpec;
}

/** What may stand where a value is wanted. */
export type ValueSpec =
  | { kind: "none" }
  | { kind: "text" }
  | { kind: "file" }
  | { kind: "directory" }
  | { kind: "choice"; choices: readonly string[] };

export interface ArgumentSpec {
  name: string;
  required: boolean;
  variadic: boolean;
  help: string;
  value: ValueSpec;
}

export interface CommandSpec {
  /** Words after the program's name: ["config", "print"]; empty for the program itself. */
  path: readonly string[];
  name: string;
  summary: string;
  description: string;
  group: string;
  usage: string;
  flags: readonly FlagSpec[];
  arguments: readonly ArgumentSpec[];
  commands: readonly CommandSpec[];
}

export function specOf(command: Command, path: readonly string[] = []): CommandSpec {
  return {
    path,
    name: command.name(),
    summary: command.summary() || command.description(),
    description: command.description(),
    group: command.helpGroup(),
    usage: command.usage(),
    flags: [...command.options.filter(({ hidden }) => !hidden).map(flagOf), helpFlag],
    arguments: command.registeredArguments.map(argumentOf),
    commands: command.commands.map((child) => specOf(child, [...path, child.name()])),
  };
}

/** Every command of the tree, the program first. */
export function everyCommand(spec: CommandSpec): CommandSpec[] {
  return [spec, ...spec.commands.flatMap(everyCommand)];
}

/** Help lines in a completion list are short: up to the first full stop that ends a sentence. */
export function firstSentence(text: string): string {
  return (/^[\s\S]*?[.;](?=\s|$)/.exec(text)?.[0] ?? text)
    .replace(/\s+/g, " ")
    .replace(/[.;]$/, "");
}

const helpFlag: FlagSpec = {
  long: "--help",
  short: "-h",
  placeholder: null,
  optional: false,
  help: "show this help",
  group: "",
  value: { kind: "none" },
};

function flagOf(option: Option): FlagSpec {
  const placeholder = /[<[](.+)[>\]]/.exec(option.flags)?.[1] ?? null;
  return {
    long: option.long ?? option.flags,
    short: option.short ?? null,
    placeholder,
    optional: option.optional,
    help: option.description,
    group: option.helpGroupHeading ?? "",
    value: valueOf(placeholder, option.argChoices ?? null),
  };
}

function argumentOf(argument: Argument): ArgumentSpec {
  return {
    name: argument.name(),
    required: argument.required,
    variadic: argument.variadic,
    help: argument.description,
    value: valueOf(argument.name(), argument.argChoices ?? null),
  };
}

/** A placeholder says what it takes: "a|b|c" are choices, "file" and "directory" are paths. */
function valueOf(placeholder: string | null, choices: readonly string[] | null): ValueSpec {
  if (placeholder === null) return { kind: "none" };
  if (choices !== null) return { kind: "choice", choices };
  const words = placeholder.split("|");
  if (words.length > 1 && words.every((word) => /^[a-z0-9][a-z0-9.-]*$/.test(word))) {
    return { kind: "choice", choices: words };
  }
  if (/file/i.test(placeholder)) return { kind: "file" };
  if (/^dir|directory|folder/i.test(placeholder)) return { kind: "directory" };
  return { kind: "text" };
}
