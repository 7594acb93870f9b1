/**
 * A new configuration for a run that goes on (SIGHUP). Everything that may be refused is tried
 * before anything is changed: the configuration itself by its loader, alert rules and the token
 * here, the sinks' sockets and room for new symbols on the feed thread, the HTTP address by the ops
 * thread, which is started again with the new values and, should it refuse them, with the old ones.
 */
import { changeOf, type ConfigChange } from "../config/change.ts";
import type { Config } from "../config/schema.ts";
import { EdgeError } from "../error.ts";
import { AlertRules } from "../telemetry/alert-rule.ts";
import { alertRules, channelNames } from "./ops-plan.ts";
import { tokenOf } from "./ops-token.ts";
import { planRun, type RunPlan } from "./plan.ts";
import type { RunWorker } from "./worker.ts";

/** The sections that each thread has made something of. */
const feedSections = ["feed", "sink", "signal"];
const opsSections = ["http", "telemetry", "store", "alert", "memory"];
/** A flood may keep the feed thread from its messages; after this the change is called off. */
const prepareMs = 5000;

export interface ChangeTargets {
  /** Changed in place: a worker that is started again is handed this one. */
  plan: RunPlan;
  feed: RunWorker;
  ops: RunWorker;
  stopMs: number;
}

/** Throws the EdgeError of what was refused; then everything is as it was. */
export async function changeRun(targets: ChangeTargets, wanted: Config): Promise<ConfigChange> {
  const { plan, feed, ops, stopMs } = targets;
  const change = changeOf(plan.config, wanted);
  if (change.live.length === 0) return change;
  const after = planAfter(plan, change.effective);
  // A run may have left stdout to something else; only who changes the sinks takes it back.
  if (!change.live.includes("sink")) after.stdout = plan.stdout;
  const touches = (sections: readonly string[]): boolean =>
    change.live.some((path) => sections.includes(/^\w+/.exec(path)![0]));
  const [changesFeed, changesOps] = [touches(feedSections), touches(opsSections)];
  if (changesFeed) {
    try {
      await feed.ask({ kind: "prepare", plan: after }, prepareMs);
    } catch (error) {
      feed.post({ kind: "abandon" });
      throw error;
    }
  }
  const before = { ...plan };
  Object.assign(plan, after);
  if (changesOps) {
    try {
      await ops.renew(stopMs);
    } catch (error) {
      Object.assign(plan, before);
      feed.post({ kind: "abandon" });
      await ops.restore(stopMs);
      throw error;
    }
  }
  if (changesFeed) feed.post({ kind: "commit" });
  return change;
}

/** The run's plan with the new values in it. Throws EdgeErrors ALERT_RULE and TOKEN_FILE. */
function planAfter(plan: RunPlan, config: Config): RunPlan {
  const { targets, stdout, feeds } = planRun(config, plan.dataDirectory, plan.runId);
  const after: RunPlan = {
    ...plan,
    config,
    targets,
    stdout,
    feeds: plan.feeds.map((feed, index) => {
      const { silenceNs, symbols } = feeds[index]!;
      return { ...feed, silenceNs, symbols };
    }),
  };
  // Made for their mistakes: the ops thread makes its own.
  void new AlertRules(alertRules(config), channelNames(after));
  if (config.http.listen !== "") tokenOf(config.http);
  return after;
}

/** The words for the log. */
export function describeChange({ live, restart }: ConfigChange): string[] {
  const lines = [
    live.length === 0
      ? "the configuration was read again: nothing that reloads has changed"
      : `the configuration was read again: ${live.join(", ")} changed`,
  ];
  if (restart.length > 0) {
    lines.push(
      `not taken over: ${restart.join(", ")} ${restart.length === 1 ? "needs" : "need"} a restart`,
    );
  }
  return lines;
}

export function refusal(error: unknown): string {
  const words = error instanceof EdgeError ? `${error.message} (${error.hint})` : String(error);
  return `the new configuration is refused, the old one goes on: ${words}`;
}
