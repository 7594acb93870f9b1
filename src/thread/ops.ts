/** The ops thread: history, alerts, HTTP. What it does is in ops-core.ts; this is its clock. */
import { descriptorLimit, openDescriptors } from "../host/descriptor.ts";
import { setThreadNice } from "../host/libc.ts";
import { accepted, isLoopback, parseHostPort } from "../config/address.ts";
import { EdgeError } from "../error.ts";
import { createApp } from "../http/app.ts";
import { listen, type ListeningServer } from "../http/server.ts";
import { Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";
import { collectOnDemand } from "./collector.ts";
import { receiveDecisions } from "./decision-channel.ts";
import { failureOf, type OpsLog, type Order, type Start, type WorkerMessage } from "./message.ts";
import { OpsCore } from "./ops-core.ts";
import { tokenOf } from "./ops-token.ts";
import { failOnDemand } from "./test-fault.ts";

declare const self: Worker;

failOnDemand(self);

const lastWordsMs = 500;

/**
 * The supervisor wants this life to end: the run is over, or another one begins with other options.
 * The shared flag alone is not enough: what the other threads say last has to be kept.
 */
let ending = false;

self.addEventListener("message", (event: MessageEvent<Start | Order>) => {
  if (event.data.kind === "stop") ending = true;
  if (event.data.kind !== "start") return;
  try {
    start(event.data);
  } catch (error) {
    post({ kind: "failed", failure: failureOf(error) });
  }
});

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

const log: OpsLog = (level, text, fields) => {
  post({ kind: "log", level, text, ...(fields === undefined ? {} : { fields }) });
};

const pollMs = 20;

function start({ plan, shared, attempt, before }: Start): void {
  // Whoever looks at the history must not take the core from the feed.
  setThreadNice(plan.config.thread.opsNice);
  const core = new OpsCore(plan, shared, log);
  const server = serve(core, attempt, before);
  const decisions = receiveDecisions({
    delivery: (delivery) => core.take(delivery),
    report: (report) => {
      core.inference = report as typeof core.inference;
    },
  });
  const collect = collectOnDemand(core.control);
  let dueNs = Bun.nanoseconds();
  let second = 0;
  const timer = setInterval(() => {
    const nowNs = Bun.nanoseconds();
    core.board.record(Stage.eventLoopOps, Math.max(0, nowNs - dueNs));
    dueNs = nowNs + pollMs * 1e6;
    core.poll();
    collect();
    const now = Math.floor(core.nowMs() / 1000);
    if (ending) {
      clearInterval(timer);
      void stop();
    } else if (now !== second) {
      second = now;
      core.second();
    }
  }, pollMs);
  post({
    kind: "ready",
    notes: [],
    facts: server === undefined ? {} : { httpPort: server.port, listen: plan.config.http.listen },
  });

  async function stop(): Promise<void> {
    const goesOn = !core.control.stopping;
    // Inference has stopped, and its last use counts are on their way.
    if (!goesOn) await Promise.race([decisions.ended, Bun.sleep(lastWordsMs)]);
    decisions.close();
    try {
      await core.close(goesOn);
    } catch (error) {
      log("error", `the history was not closed in order: ${String(error)}`);
    }
    await server?.stop();
    post({ kind: "stopped", report: null });
  }
}

/** For connections: of what may still be opened, enough is left to sockets and files of our own. */
function spareDescriptors(): number {
  return Math.floor((descriptorLimit() - openDescriptors()) * 0.75);
}

/** Throws EdgeError PORT_IN_USE, LISTEN_FAILED or TOKEN_FILE. */
function serve(
  core: OpsCore,
  attempt: number,
  before: Start["before"],
): ListeningServer | undefined {
  const { http } = core.plan.config;
  if (http.listen === "") return undefined;
  const { host, port: wanted } = accepted(parseHostPort(http.listen));
  // A free port that the system chose is known to others by now: the next life keeps it.
  const kept = before["listen"] === http.listen ? before["httpPort"] : undefined;
  const port = (kept as number | undefined) ?? wanted;
  const { board } = core;
  const loopback = isLoopback(host);
  try {
    const app = createApp(core.source(), {
      guard: {
        hosts: [host, ...http.allowedHosts],
        loopback,
        token: tokenOf(http),
        ratePerS: http.ratePerSecond,
        clockMs: () => performance.now(),
        onRefuse: () => board.count(Metric.ops.httpRefused),
      },
      onError: (error, path) => {
        const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log("error", `HTTP ${path}: ${trace}`);
      },
    });
    return listen(app, {
      host,
      port,
      bodyLimitBytes: http.bodyLimitBytes,
      // Event streams have a bound of their own, and are no reason to shut others out.
      connectionsMax: Math.min(http.connectionsMax + http.subscribersMax, spareDescriptors()),
      descriptors: openDescriptors,
      onFull: () => board.count(Metric.ops.httpFull),
      onAnswer: (status, elapsedNs) => {
        board.count(
          Metric.ops.httpRequests + Math.min(4, Math.max(0, Math.floor(status / 100) - 1)),
        );
        board.record(Stage.httpRequest, elapsedNs);
      },
    });
  } catch (error) {
    core.store.close(core.nowMs(), attempt > 0);
    throw error instanceof EdgeError ? error : new EdgeError("LISTEN_FAILED", String(error), "");
  }
}
