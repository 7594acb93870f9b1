import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { EdgeError } from "../error.ts";
import { accepted, parseHostPort } from "../config/address.ts";
import type { LoadedConfig } from "../config/load.ts";
import { realtimeNs } from "../host/libc.ts";
import { openNotifier } from "../host/notify.ts";
import { Metric } from "../telemetry/metric.ts";
import { logLine, type LogLevel } from "../thread/log.ts";
import type { OpsLog } from "../thread/message.ts";
import { holdMachine, sayDrift } from "../thread/machine-hold.ts";
import { memoryReport, memoryTotal } from "../thread/memory-report.ts";
import { planRun } from "../thread/plan.ts";
import { checkRules } from "../thread/rule-check.ts";
import { ServiceNotice } from "../thread/service-notice.ts";
import { standardOutput } from "../thread/stdout.ts";
import { type RunReport, Supervisor } from "../thread/supervisor.ts";
import { counted, duration, kibibytes } from "../unit.ts";
import { whole } from "./argument.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { Demo, demoFlags } from "./run-demo.ts";
import { Reloads } from "./run-reload.ts";

interface RunOptions {
  for?: number;
  summary?: string;
  demo?: true;
  demoRate: number;
  demoSeed: number;
}

export function runCommand(): Command {
  const command = new Command("run")
    .description(
      "Takes market data in, keeps books, decides and puts signals out until it is stopped.\n" +
        "SIGINT or SIGTERM drains and ends it; a second one ends it at once. SIGHUP reads the\n" +
        "configuration again: what reloads is taken over, the rest is named and needs a restart.",
    )
    .option("--for <duration>", "stop by itself after this long: 500ms, 10s, 5m, 2h", lifetime)
    .option("--summary <file>", "at the end write counts, gaps, latency and books as JSON")
    .option("--demo", "show it on a synthetic market, sent through a real loopback socket")
    .option(
      "--demo-rate <n>",
      "datagrams a second of the synthetic market",
      whole(1, 1_000_000),
      2000,
    )
    .option("--demo-seed <n>", "seed of the synthetic market", whole(0, 2 ** 31), 1)
    .action(async (options: RunOptions) => {
      if (options.demo === undefined) return await run(() => loadFromCommand(command), options);
      using folder = temporaryFolder();
      await run(() => loadFromCommand(command, demoFlags(folder.path)), options);
    });
  return addConfigOptions(command);
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const durationMaxMs = 2 ** 31 - 1;

/** "10s" → ms. */
function lifetime(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * unitMs[match[2]!]!;
  if (!(ms > 0 && ms <= durationMaxMs)) {
    throw new InvalidArgumentError("It is a time like 500ms, 10s, 5m or 2h, up to 24 days.");
  }
  return ms;
}

/** Where the demo keeps its history: it goes with the demo. */
function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "hftedge-demo-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function run(load: () => LoadedConfig, options: RunOptions): Promise<void> {
  const loaded = load();
  checkRules(loaded);
  const { config, dataDirectory } = loaded;
  const demo =
    options.demo === undefined ? undefined : new Demo(options.demoRate, options.demoSeed);
  const write = createLog(() => plan.config.log);
  const log = demo === undefined ? write : demo.quietly(write);
  const plan = planRun(config, dataDirectory, Date.now());
  plan.configFile = loaded.file;
  // The demo is for the eyes: on a terminal its table is not torn by lines of JSON.
  if (demo !== undefined && process.stdout.isTTY) plan.stdout = false;
  const supervisor = new Supervisor(plan, { log, stdout: standardOutput() });
  const stop = stopRequests();
  const notice = serviceNotice(supervisor, log);
  const ready = (): void => {
    const sinks = plan.targets.length + Number(plan.stdout);
    notice.ready(`${counted(plan.feeds.length, "feed")}, ${counted(sinks, "sink")}`);
  };
  const began = (): void => notice.reloading();
  using reloads = new Reloads({ supervisor, load, log, began, ended: ready });
  // The demo's figures are to be those of the machine as it is.
  using _awake = demo === undefined ? holdMachine(config, log) : undefined;
  await supervisor.start();
  announce(supervisor, loaded, log);
  ready();
  reloads.begin();
  demo?.start(supervisor);
  using _drift = demo === undefined ? sayDrift(config, log) : undefined;
  const timer = options.for === undefined ? undefined : setTimeout(stop.request, options.for);
  const reason = await Promise.race([stop.requested, supervisor.failed]);
  clearTimeout(timer);
  if (typeof reason === "string") log("info", `${reason}: draining`);
  await demo?.end();
  notice.stopping(typeof reason === "string" ? reason : reason.message);
  const report = await supervisor.stop(typeof reason === "string" ? reason : reason.message);
  if (options.summary !== undefined) writeSummary(options.summary, report);
  describe(report, log);
  if (typeof reason !== "string") throw reason;
}

function serviceNotice(
  { plan, control, board }: Supervisor,
  log: (level: LogLevel, text: string) => void,
): ServiceNotice {
  const notifier = openNotifier(process.env, process.pid, (reason) => log("warn", reason));
  const { counters } = board.writer("main");
  return new ServiceNotice(notifier, {
    control,
    onFed: () => void counters[Metric.main.watchdogPings]!++,
    limitMs: plan.config.thread.heartbeatMs,
    nowMs: () => Math.floor(realtimeNs(plan.baseSeconds) / 1e6),
    log,
  });
}

function createLog(options: () => LoadedConfig["config"]["log"]): OpsLog {
  const journal = process.env["JOURNAL_STREAM"] !== undefined;
  return (level, text, fields) => {
    const line = logLine({ ...options(), journal }, level, text, Date.now(), fields);
    if (line !== undefined) process.stderr.write(line);
  };
}

/** One promise for every way to ask the run to end. */
function stopRequests(): { requested: Promise<string>; request: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for the drain.
      if (asked) process.kill(process.pid, "SIGKILL");
      asked = true;
      resolve(signal);
    });
  }
  return { requested: promise, request: () => resolve("the time is up") };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}

function announce(
  supervisor: Supervisor,
  { file, dataDirectory }: LoadedConfig,
  log: (level: LogLevel, text: string) => void,
): void {
  const { plan } = supervisor;
  const memory = memoryReport(plan);
  const ports = (supervisor.facts("feed")["ports"] as number[] | undefined) ?? [];
  const lines = plan.feeds.flatMap((feed) => feed.lines.map((line) => ({ feed, line })));
  lines.forEach(({ feed, line }, index) => {
    log("info", `feed ${feed.name} (${feed.format}) on udp://${line.host}:${ports[index]}`);
  });
  const httpPort = supervisor.facts("ops")["httpPort"];
  if (httpPort !== undefined) {
    const { host } = accepted(parseHostPort(plan.config.http.listen));
    log("info", `http on http://${host.includes(":") ? `[${host}]` : host}:${String(httpPort)}`);
  }
  const parts = memory.map(({ table, bytes }) => `${table} ${kibibytes(bytes)}`);
  log("debug", `preallocated: ${parts.join(", ")}`);
  log(
    "info",
    `ready: ${plan.table.form} table of ${plan.table.capacity} states, ${mebibytes(memoryTotal(memory))} preallocated, ` +
      `configuration ${file ?? "from defaults"}, data in ${dataDirectory}`,
  );
}

function writeSummary(path: string, report: RunReport): void {
  try {
    writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw new EdgeError(
      "SUMMARY_FILE",
      `the summary cannot be written to ${path}: ${(error as Error).message}`,
      "Choose a path in a folder that you may write to.",
      error,
    );
  }
}

function describe(report: RunReport, log: (level: LogLevel, text: string) => void): void {
  const { feed } = report;
  if (feed === null) {
    if (report.clean) log("warn", "the feed thread was between two starts; there are no counts");
    else log("error", "the feed thread did not end in order; there are no counts");
    return;
  }
  for (const { name, counts } of feed.feeds) {
    log(
      "info",
      `feed ${name}: ${counts["datagrams"]} datagrams, ${counts["messages"]} messages, ` +
        `${counts["gaps"]} gaps, ${counts["lostMessages"]} lost, ${counts["duplicates"]} duplicates`,
    );
  }
  const total = report.latency["total_pipeline.cached"];
  const latency =
    total === undefined
      ? ""
      : `; total_pipeline p50 ${duration(total.medianNs)}, p99 ${duration(total.p99Ns)}`;
  log("info", `${feed.signals.total} signals from ${feed.instruments} instruments${latency}`);
  if (report.stdout.dropped > 0) {
    log("warn", `${report.stdout.dropped} signals were not read from stdout and were dropped`);
  }
}
