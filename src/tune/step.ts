/** Commands that make written files count: daemon-reload, update-grub, restarts of services. */
import { basename, dirname } from "node:path";
import type { Host } from "../host/host.ts";
import { hasSystemd, unitActive, unitProperty } from "../host/systemd.ts";
import { grubPath } from "./file-plan.ts";
import type { Journal, JournalWriter, Owed } from "./journal.ts";

export interface StepResult {
  command: string;
  state: "ran" | "failed" | "owed";
  words: string;
}

const reload = ["systemctl", "daemon-reload"] as const;
const grub = ["update-grub"] as const;

/** hftedge's own service is never restarted unasked: that would stop the signals. */
const ownService = "hftedge.service";

/** The unit whose drop-in a path is, or null. */
function unitOf(path: string): string | null {
  const folder = basename(dirname(path));
  return folder.endsWith(".service.d") ? folder.slice(0, -".d".length) : null;
}

/** What has to follow when these files change. */
export function stepsFor(host: Host, paths: readonly string[]): Owed[] {
  const owed: Owed[] = [];
  if (paths.some((path) => path.startsWith("/etc/systemd/")) && hasSystemd(host)) {
    owed.push({ command: reload, pid: 0 });
  }
  if (paths.includes(grubPath)) owed.push({ command: grub, pid: 0 });
  for (const path of paths) {
    const unit = unitOf(path);
    if (unit === null || !unitActive(host, unit)) continue;
    const pid = Number(unitProperty(host, unit, "MainPID")) || 0;
    owed.push({ command: ["systemctl", "restart", unit], pid });
  }
  return owed;
}

const isRestart = (owed: Owed): boolean => owed.command[1] === "restart";

/** A restart that somebody else did meanwhile is no longer owed. */
export function isSettled(host: Host, owed: Owed): boolean {
  if (!isRestart(owed)) return false;
  const unit = owed.command[2] ?? "";
  if (!unitActive(host, unit)) return true;
  return (Number(unitProperty(host, unit, "MainPID")) || 0) !== owed.pid;
}

/** Steps that are still to be done, those of a dead process left out. */
export function owedNow(host: Host, journal: Journal): Owed[] {
  return [...journal.owed.values()].filter((owed) => !isSettled(host, owed));
}

/** Why a service is not restarted now, or null when it may be. */
async function whyWait(host: Host, unit: string, ollamaUrl: string): Promise<string | null> {
  if (unit === ownService) return `${unit} is running: --restart restarts it`;
  if (unit !== "ollama.service") return null;
  const text = await host.fetchText(`${ollamaUrl}/api/ps`);
  let models: unknown;
  try {
    models = (JSON.parse(text ?? "") as { models?: unknown }).models;
  } catch {
    return "ollama does not say whether it serves a model: --restart restarts it";
  }
  if (Array.isArray(models) && models.length === 0) return null;
  return "ollama serves a model: --restart restarts it";
}

/** Runs what is owed, restarts last and only when told or when nothing is being served. */
export async function runSteps(
  host: Host,
  writer: JournalWriter,
  choice: { restart: boolean; restarts: boolean },
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  const owed = [...writer.journal.owed.values()].filter(
    (item) => isRestart(item) === choice.restarts,
  );
  for (const item of owed) {
    const command = item.command.join(" ");
    if (isSettled(host, item)) {
      writer.ran(item.command);
      continue;
    }
    if (isRestart(item) && !choice.restart) {
      const why = await whyWait(
        host,
        item.command[2] ?? "",
        writer.journal.request.wishes.ollamaUrl,
      );
      if (why !== null) {
        results.push({ command, state: "owed", words: why });
        continue;
      }
    }
    const result = host.run(item.command, 120_000);
    if (result.code === 0) {
      writer.ran(item.command);
      results.push({ command, state: "ran", words: "" });
    } else {
      const words = result.stderr.trim().split("\n").at(-1) || `exit ${result.code}`;
      results.push({ command, state: "failed", words });
    }
  }
  return results;
}
