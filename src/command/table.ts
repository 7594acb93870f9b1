/**
 * The commands of the program. Only the one that was asked for is loaded, so that each starts as
 * fast as if it were alone.
 */
import { Command } from "commander";
import { helpStyle } from "./help-style.ts";
import { print } from "./output.ts";

export interface CommandRow {
  name: string;
  group: string;
  summary: string;
  load(): Promise<Command>;
}

const running = "Run:";
const looking = "Look:";
const machine = "Machine:";
const program = "Program:";

export const commandTable: readonly CommandRow[] = [
  {
    name: "run",
    group: running,
    summary: "take market data in and put signals out",
    load: async () => (await import("./run.ts")).runCommand(),
  },
  {
    name: "hold",
    group: running,
    summary: "force HOLD at once, for a symbol or for everything",
    load: async () => (await import("./hold.ts")).holdCommand(),
  },
  {
    name: "release",
    group: running,
    summary: "lift a hold",
    load: async () => (await import("./hold.ts")).releaseCommand(),
  },
  {
    name: "warm",
    group: running,
    summary: "ask the model about states before the open, and keep its answers",
    load: async () => (await import("./warm.ts")).warmCommand(),
  },
  {
    name: "tune",
    group: machine,
    summary: "show and change the settings that cost latency",
    load: async () => (await import("./tune.ts")).tuneCommand(),
  },
  {
    name: "replay",
    group: running,
    summary: "send a capture, an ITCH file or a tick file to a UDP address",
    load: async () => (await import("./replay.ts")).replayCommand(),
  },
  {
    name: "doctor",
    group: machine,
    summary: "examine what on this machine costs latency",
    load: async () => (await import("./doctor.ts")).doctorCommand(),
  },
  {
    name: "bench",
    group: machine,
    summary: "measure what this machine makes of the hot path",
    load: async () => (await import("./bench.ts")).benchCommand(),
  },
  {
    name: "top",
    group: looking,
    summary: "show a run live in the terminal",
    load: async () => (await import("./top.ts")).topCommand(),
  },
  {
    name: "query",
    group: looking,
    summary: "ask the stored history: latency, alerts, signals",
    load: async () => (await import("./query.ts")).queryCommand(),
  },
  {
    name: "explain",
    group: looking,
    summary: "show what is behind a past signal, and replay its recording",
    load: async () => (await import("./explain.ts")).explainCommand(),
  },
  {
    name: "backup",
    group: looking,
    summary: "copy the history into a file while the service runs",
    load: async () => (await import("./backup.ts")).backupCommand(),
  },
  {
    name: "grafana",
    group: looking,
    summary: "print a dashboard for Grafana over Prometheus",
    load: async () => (await import("./grafana.ts")).grafanaCommand(),
  },
  {
    name: "config",
    group: program,
    summary: "print, check or start a configuration",
    load: async () => (await import("./config.ts")).configCommand(),
  },
  {
    name: "service",
    group: machine,
    summary: "install, remove or show the systemd service",
    load: async () => (await import("./service.ts")).serviceCommand(),
  },
  {
    name: "completion",
    group: program,
    summary: "print a completion script for bash, zsh or fish",
    load: async () => (await import("./completion.ts")).completionCommand(),
  },
  {
    name: "man",
    group: program,
    summary: "print the manual page",
    load: async () => (await import("./man.ts")).manCommand(),
  },
  {
    name: "licenses",
    group: program,
    summary: "print what is inside and under which licences",
    load: async () => (await import("./licenses.ts")).licensesCommand(),
  },
  {
    name: "version",
    group: program,
    summary: "print the version and how it was built",
    load: async () => (await import("./version.ts")).versionCommand(),
  },
];

/** Order of the groups in the help. */
const commandGroups = [running, looking, machine, program] as const;

const synopsis =
  "Market data in over UDP, trading signals out, latency history over HTTP.\n" +
  "A local language model decides market states in the background; the hot path only looks up.";

/** The program with `wanted` loaded in full, or with all commands when it is null. */
export async function createProgram(wanted: string | null): Promise<Command> {
  const root = new Command("hftedge");
  root
    .description(synopsis)
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .option("-V, --version", "print the version")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: print,
      outputError: (text, write) => write(text.replace(/^error: /, "hftedge: ")),
    })
    .configureHelp(helpStyle);
  const all = wanted === null;
  for (const group of commandGroups) {
    for (const row of commandTable) {
      if (row.group !== group) continue;
      const command =
        all || row.name === wanted ? await row.load() : new Command(row.name).allowUnknownOption();
      command.summary(row.summary).helpGroup(group);
      if (command.description() === "") command.description(capitalised(row.summary));
      inherit(command, root);
      root.addCommand(command);
    }
  }
  root.addHelpText("after", `\n${examples}`);
  return root;
}

const examples = `Examples:
  hftedge config init > hftedge.toml     start a configuration, with every option commented
  hftedge config print --origins         every option, its value and where it comes from`;

function capitalised(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`;
}

/** Errors and help of every subcommand behave as the program's own. */
function inherit(command: Command, root: Command): void {
  command.copyInheritedSettings(root);
  if (command.commands.length > 0) command.helpCommand("help [command]", "show the help of a verb");
  for (const child of command.commands) inherit(child, command);
}
