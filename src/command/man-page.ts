/** hftedge(1) in the man macros, from the same tables as the help. */
import { optionTable, sectionTable } from "../config/option.ts";
import { buildFacts } from "../host/build-fact.ts";
import { optionHelp } from "./config-option.ts";
import { everyCommand, type CommandSpec, type FlagSpec } from "./spec.ts";

export function manPage(program: CommandSpec): string {
  const { version, committed } = buildFacts();
  const date = /^\d{4}-\d{2}-\d{2}/.exec(committed)?.[0] ?? "";
  const commands = everyCommand(program).filter(({ path }) => path.length > 0);
  return [
    `.TH HFTEDGE 1 "${date}" "hftedge ${version}" "User Commands"`,
    ".SH NAME",
    "hftedge \\- market data in over UDP, trading signals out",
    ".SH SYNOPSIS",
    ".B hftedge",
    ".I command",
    "[options]",
    ".SH DESCRIPTION",
    text(program.description),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH CONFIGURATION",
    text(
      "Every option has a flag, an environment variable and a key in the file. A flag wins over the environment, the environment over the file, the file over the default. Every command that reads the configuration takes the flags.",
    ),
    ...sectionTable().flatMap(({ name, help, list }) => [
      `.SS ${word(list ? `[[${name}]]` : `[${name}]`)}`,
      text(help),
      ...(list ? listLines(name) : []),
      ...optionTable()
        .filter(({ section }) => section === name)
        .flatMap((row) => [
          ".TP",
          row.flag === null
            ? `.B ${word(row.key)}`
            : `.BR ${word(row.key)} ", " ${word(row.flag)} ", " ${word(row.env!)}`,
          text(optionHelp(row)),
        ]),
    ]),
    ".SH FILES",
    ".TP",
    `.I ./hftedge.toml, /etc/hftedge/hftedge.toml`,
    "The configuration: the first that exists, unless \\-\\-config or HFTEDGE_CONFIG names another.",
    ".TP",
    ".I /var/lib/hftedge, ~/.local/state/hftedge",
    "The data directory as root and for anyone else; $STATE_DIRECTORY wins over both.",
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, meaning]) => [".TP", `.B ${code}`, text(meaning)]),
    ".PP",
    "Commands that report a state have further codes, which their descriptions name.",
    "",
  ].join("\n");
}

const exitCodes: readonly (readonly [string, string])[] = [
  ["0", "Done as asked."],
  ["1", "An error, said on stderr with its remedy; or a mistake in the command line."],
  ["70", "A mistake of this program, said with a stack trace."],
];

function listLines(name: string): string[] {
  return [
    ".PP",
    `Given by \\-\\-${name} or HFTEDGE_${name.toUpperCase()} as URLs, in which the keys below are parameters. Such a list replaces the whole list of the file.`,
  ];
}

function commandLines({ path, description, flags, usage }: CommandSpec): string[] {
  const own = flags.filter(({ group, long }) => !group.startsWith("[") && long !== "--help");
  return [
    ".TP",
    `.B ${word(["hftedge", ...path].join(" "))} ${word(usage)}`.trimEnd(),
    text(description),
    ...own.flatMap((flag) => [".RS", ".TP", `.B ${word(flagTitle(flag))}`, text(flag.help), ".RE"]),
  ];
}

/** "-j, --json <file>". */
function flagTitle({ long, short, placeholder, optional }: FlagSpec): string {
  const names = short === null ? long : `${short}, ${long}`;
  if (placeholder === null) return names;
  return optional ? `${names} [${placeholder}]` : `${names} <${placeholder}>`;
}

/** Backslashes and hyphens have meanings in roff, and so has a dot that begins a line. */
function word(raw: string): string {
  const escaped = raw.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /\s/.test(escaped) ? `"${escaped}"` : escaped;
}

function text(raw: string): string {
  return raw
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .split("\n")
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join("\n");
}
