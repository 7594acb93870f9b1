import { Command, Option } from "commander";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EdgeError } from "../error.ts";
import { serviceUnit, unitMark, unitName, type UnitInput } from "../host/service-unit.ts";
import { parseServiceState, showArguments, stateExitCode } from "../host/service.ts";
import { compiled } from "../host/build-fact.ts";
import { alignColumns, print, printJson, printLine, say } from "./output.ts";

interface InstallFlags {
  dryRun?: true;
  now?: true;
  config: string;
  program?: string;
  user?: string;
  root: string;
}

export function serviceCommand(): Command {
  const command = new Command("service").description(
    "Installs, removes or shows the systemd service: started at boot, watched by a watchdog, and\n" +
      "sandboxed as far as the feed's work allows.",
  );
  command
    .command("install")
    .description("Writes the unit, enables it and, with --now, starts it.")
    .option("--dry-run", "print the unit and change nothing")
    .option("--now", "start it, or restart it where it runs")
    .option("--config <file>", "configuration of the service", "/etc/hftedge/hftedge.toml")
    .option("--program <file>", "program to run [default: this one]")
    .option("--user <name>", "user to run as [default: one that exists only while it runs]")
    .addOption(rootOption())
    .action((flags: InstallFlags) => install(flags));
  command
    .command("uninstall")
    .description("Stops and removes the service; configuration and data stay.")
    .addOption(rootOption())
    .action(({ root }: { root: string }) => uninstall(root));
  command
    .command("status")
    .description(
      "Shows the service. Exit code 0: it runs, 1: it failed, 3: it is stopped, 4: not installed.",
    )
    .option("--json", "print JSON")
    .action(({ json }: { json?: true }) => status(json === true));
  return command;
}

/** Another root is for images and tests: systemd is not asked then. */
function rootOption(): Option {
  return new Option("--root <directory>", "change files below this directory only").default("/");
}

async function install(flags: InstallFlags): Promise<void> {
  const input = unitInput(flags);
  const text = serviceUnit(input);
  if (flags.dryRun) return print(text);
  const live = flags.root === "/";
  checkProgram(input.program);
  needRoot(live, "install");
  const path = unitPath(flags.root);
  const before = readOrNull(path);
  if (before !== null && !before.startsWith(unitMark)) throw foreignUnit(path);
  await startConfig(flags);
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, text);
  say(`${before === null ? "wrote" : before === text ? "unchanged:" : "replaced"} ${path}`);
  if (!live) return;
  systemctl("daemon-reload");
  systemctl("enable", unitName);
  if (flags.now) systemctl("restart", unitName);
  say(
    flags.now
      ? "enabled and started; look at it with: hftedge service status"
      : `enabled; start it with: sudo systemctl start ${unitName}`,
  );
}

function unitInput({ config, program, user, root }: InstallFlags): UnitInput {
  if (user !== undefined && !/^[a-z_][a-z0-9_-]{0,30}$/.test(user)) {
    throw new EdgeError(
      "USER_INVALID",
      `--user ${user} is not a user name`,
      "Name an account that exists, or leave --user out.",
    );
  }
  return {
    program: program === undefined ? ownProgram() : resolve(program),
    config: resolve(config),
    user: user ?? null,
    gpu: existsSync(join(root, "dev/nvidiactl")),
  };
}

function ownProgram(): string {
  if (compiled) return process.execPath;
  throw new EdgeError(
    "NOT_COMPILED",
    "the service runs the compiled program, and this one runs from source",
    "Build it with `bun run build`, or name it with --program.",
  );
}

/** The sandbox hides homes and temporary folders, so a program there would not be found. */
function checkProgram(program: string): void {
  const hidden = /^\/(?:home|root|run\/user|tmp|var\/tmp)\//.test(program);
  if (hidden) {
    throw new EdgeError(
      "PROGRAM_HIDDEN",
      `the service cannot see ${program}: its sandbox hides homes and temporary folders`,
      `Run: sudo install ${program} /usr/local/bin/hftedge && sudo /usr/local/bin/hftedge service install`,
    );
  }
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    throw new EdgeError(
      "PROGRAM_MISSING",
      `${program} is not there or cannot be executed`,
      "Name the compiled program with --program.",
      error,
    );
  }
}

function needRoot(live: boolean, verb: string): void {
  if (!live || process.getuid?.() === 0) return;
  throw new EdgeError(
    "ROOT_NEEDED",
    `service ${verb} changes /etc/systemd and needs root`,
    `Run: sudo ${process.execPath} service ${verb}`,
  );
}

function unitPath(root: string): string {
  return join(root, "etc/systemd/system", unitName);
}

function foreignUnit(path: string): EdgeError {
  return new EdgeError(
    "UNIT_FOREIGN",
    `${path} was not written by this program`,
    `Move it away first: sudo mv ${path} ${path}.old`,
  );
}

/** A service without a configuration would not start, so one with every default is put there. */
async function startConfig({ config, root }: InstallFlags): Promise<void> {
  const path = join(root, resolve(config));
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  // Loaded here alone: the schema is not needed to show or remove a service.
  const { initFile } = await import("../config/init-file.ts");
  replaceFile(path, initFile());
  say(`wrote ${path}, with every option commented at its default`);
}

/** Readers see the old file or the new one. */
function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o644 });
  renameSync(fresh, path);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new EdgeError("UNIT_UNREADABLE", `cannot read ${path}`, "Run as root.", error);
  }
}

function uninstall(root: string): void {
  const live = root === "/";
  const path = unitPath(root);
  const text = readOrNull(path);
  if (text === null) return say("the service is not installed");
  if (!text.startsWith(unitMark)) throw foreignUnit(path);
  needRoot(live, "uninstall");
  if (live) systemctl("disable", "--now", unitName);
  rmSync(path);
  if (live) systemctl("daemon-reload");
  say(`removed ${path}; configuration and data stay`);
}

function status(json: boolean): void {
  const state = parseServiceState(systemctl(...showArguments(unitName)));
  process.exitCode = stateExitCode(state);
  if (json) return printJson(state);
  const rows = Object.entries(state).map(([name, value]) => [name, String(value ?? "none")]);
  printLine(alignColumns(rows.filter(([, value]) => value !== "")));
}

function systemctl(...args: string[]): string {
  const program = Bun.which("systemctl");
  if (program === null) {
    throw new EdgeError(
      "NO_SYSTEMD",
      "there is no systemctl here",
      "Run `hftedge run` under the supervisor that this machine has.",
    );
  }
  const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...args], {
    stdin: "ignore",
    timeout: 90_000,
  });
  if (exitCode === 0) return stdout.toString();
  const reason = stderr.toString().trim().split("\n")[0] ?? "";
  throw new EdgeError(
    "SYSTEMD_REFUSED",
    `systemctl ${args[0] ?? ""} failed: ${reason === "" ? `exit code ${exitCode}` : reason}`,
    `Look at: systemctl status ${unitName}`,
  );
}
