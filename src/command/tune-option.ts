/** The flags of `hftedge tune`, and the plan request that they and the configuration make. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { accepted, isMulticast, parseFeedLine } from "../config/address.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { EdgeError } from "../error.ts";
import { Host } from "../host/host.ts";
import { parseCpuList } from "../host/proc.ts";
import { catalogue } from "../tune/catalogue.ts";
import { defaultWishes, type Wishes } from "../tune/machine.ts";
import type { PlanRequest } from "../tune/plan.ts";
import type { Owner, Profile } from "../tune/setting.ts";

export interface TuneFlags {
  profile?: Profile;
  json?: true;
  force?: true;
  confirmWithin?: number;
  confirm?: true;
  measure?: true;
  interface?: string[];
  feedCpus?: string;
  housekeepingCpus?: string;
  gpu?: string[];
  with?: string[];
  without?: string[];
  take?: Owner[];
  restart?: true;
  removeLeftovers?: true;
  explain?: true;
  boot?: true;
  verify?: true;
  config?: string;
  root?: string;
}

const collect = (text: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  ...text.split(",").map((part) => part.trim()),
];

function cpus(text: string): string {
  if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(text)) {
    throw new InvalidArgumentError('Write numbers and ranges, e.g. "2,4-7".');
  }
  return text;
}

const confirmMaxS = 3600;

/** "60", "60s" or "2m", in seconds. */
export function durationS(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  const unit = { ms: 0.001, s: 1, m: 60 }[(match?.[2] ?? "s") as "ms" | "s" | "m"];
  const seconds = Number(match?.[1]) * unit;
  if (match === null || seconds <= 0 || seconds > confirmMaxS) {
    throw new InvalidArgumentError("Give a time such as 60s or 2m, at most an hour.");
  }
  return seconds;
}

const owners: readonly Owner[] = ["tuned", "power-profiles-daemon", "irqbalance"];

function owner(text: string, before: Owner[] | undefined): Owner[] {
  const names = text.split(",") as Owner[];
  if (names.some((name) => !owners.includes(name))) {
    throw new InvalidArgumentError(`Choose from ${owners.join(", ")}.`);
  }
  return [...(before ?? []), ...names];
}

function settingId(text: string, before: string[] | undefined): string[] {
  const ids = text.split(",");
  const unknown = ids.find((id) => !catalogue.some((setting) => setting.id === id));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no setting ${unknown}; see hftedge tune --explain.`);
  }
  return [...(before ?? []), ...ids];
}

/** Options that say what is wanted; every verb takes them, and so does `tune` itself. */
export function addPlanOptions(command: Command): Command {
  return command
    .option("--json", "print JSON")
    .addOption(
      new Option("--profile <profile>", "which settings are wanted").choices([
        "safe",
        "aggressive",
      ]),
    )
    .option("--interface <name>", "interface that carries the feed, repeatable", collect)
    .option("--feed-cpus <list>", 'CPUs for the feed, e.g. "6-7"', cpus)
    .option("--housekeeping-cpus <list>", "CPUs for everything else", cpus)
    .option("--gpu <uuid>", "GPU that runs the model, repeatable", collect)
    .option("--with <id>", "a setting that the profile leaves out, repeatable", settingId)
    .option("--without <id>", "a setting to leave alone, repeatable", settingId)
    .option("--take <owner>", `overrule ${owners.join(", ")}`, owner)
    .option("--remove-leftovers", "put harmful remnants of guides right")
    .option("--force", "do also what is refused for safety")
    .option("--config <file>", "configuration file")
    .addOption(new Option("--root <directory>", "read and write below this directory").hideHelp());
}

/** Options of what writes. */
export function addApplyOptions(command: Command): Command {
  return command
    .option(
      "--confirm-within <time>",
      "take the run back unless it is confirmed, e.g. 60s",
      durationS,
    )
    .option("--restart", "restart services whose settings changed, also one that serves a model")
    .option("--measure", "measure wake-up latency and loopback before and after");
}

/** The machine, or the directory that stands for it. */
export function hostOf(flags: TuneFlags): Host {
  if (flags.root === undefined) return new Host();
  try {
    return new Host(flags.root);
  } catch (error) {
    throw new EdgeError("ROOT_MISSING", `there is no directory ${flags.root}`, "make it", error);
  }
}

/** How this program is started again at boot: compiled, or from source by its runtime. */
export function ownProgram(): string[] {
  const script = process.argv[1] ?? "";
  return /\.[cm]?[jt]s$/.test(script) ? [process.execPath, script] : [process.execPath];
}

const nonEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;

function linesOf(config: Config) {
  return config.feed.flatMap(({ lines }) => lines.map((line) => accepted(parseFeedLine(line))));
}

/** Interfaces that the feeds name; an address in place of a name says nothing here. */
function interfacesOf(config: Config): string[] {
  const names = linesOf(config).map((line) => line.interface ?? "");
  return [...new Set(names.filter((name) => name !== "" && !/^[\d.]+$/.test(name)))];
}

/** What the rest of the configuration asks of the machine. */
function wishesOf(config: Config): Wishes {
  const { feed, inference, tune } = config;
  const groups = new Set(
    linesOf(config)
      .map(({ host }) => host)
      .filter(isMulticast),
  ).size;
  const { num_ctx: context } = inference.options;
  return {
    receiveBufferBytes: Math.max(...feed.map(({ receiveBufferBytes }) => receiveBufferBytes)),
    multicastGroups: Math.max(defaultWishes.multicastGroups, groups),
    contextTokens: typeof context === "number" ? context : defaultWishes.contextTokens,
    parallel: inference.parallel,
    keepAliveS: inference.keepAliveS,
    receiveRing: tune.receiveRing,
    ollamaUrl: inference.hosts[0] ?? defaultWishes.ollamaUrl,
  };
}

/** Flag over configuration over what is found. Throws ConfigError for a configuration that is wrong. */
export function requestOf(flags: TuneFlags, host: Host): PlanRequest {
  const { config } = loadConfig({
    flags: flags.config === undefined ? {} : { config: flags.config },
    env: process.env,
    directory: process.cwd(),
    userId: host.uid,
    ...(host.root === "" ? {} : { systemFile: `${host.root}/etc/hftedge/hftedge.toml` }),
  });
  const { tune } = config;
  const feedInterfaces =
    nonEmpty(flags.interface) ?? nonEmpty(tune.feedInterfaces) ?? nonEmpty(interfacesOf(config));
  const pinned = config.thread.feedCpu >= 0 ? String(config.thread.feedCpu) : "";
  const feedCpus = flags.feedCpus ?? (tune.feedCpus || pinned);
  const housekeepingCpus = flags.housekeepingCpus ?? tune.housekeepingCpus;
  const gpus = nonEmpty(flags.gpu) ?? nonEmpty(tune.gpus);
  return {
    profile: flags.profile ?? tune.profile,
    roles: {
      ...(feedInterfaces === undefined ? {} : { feedInterfaces }),
      ...(feedCpus === "" ? {} : { feedCpus: parseCpuList(feedCpus) }),
      ...(housekeepingCpus === "" ? {} : { housekeepingCpus: parseCpuList(housekeepingCpus) }),
      ...(gpus === undefined ? {} : { gpus }),
    },
    wishes: wishesOf(config),
    with: flags.with ?? [],
    without: flags.without ?? [],
    take: flags.take ?? [],
    force: flags.force === true,
    removeLeftovers: flags.removeLeftovers === true,
    program: ownProgram(),
  };
}
