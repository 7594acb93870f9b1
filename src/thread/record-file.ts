/** Names and contents of a recording: pcapng files of one run, and what the run was. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import type { WrittenInterface } from "../replay/pcapng-write.ts";
import type { RunPlan } from "./plan.ts";

/** Lines of one feed that a recording tells apart: four, and the answers to requests. */
export const linesPerFeed = 8;
const namePattern = /^([0-9a-f]{16})-(\d{6})\.pcapng$/;

export function recordDirectory(config: Config, dataDirectory: string): string {
  return config.record.directory === "" ? join(dataDirectory, "record") : config.record.directory;
}

/** The ring's size: a power of two, and next to nothing when nothing is recorded. */
export function recordRingSize({ record }: Config): number {
  if (!record.enabled) return 64;
  return 2 ** Math.ceil(Math.log2(record.ringBytes));
}

export function sourceOf(feed: number, line: number): number {
  return feed * linesPerFeed + line;
}

/** One interface for each feed and line, in the order of `sourceOf`. */
export function recordInterfaces(plan: RunPlan): WrittenInterface[] {
  return plan.feeds.flatMap((feed) =>
    Array.from({ length: linesPerFeed }, (_, line) => {
      const { host = "0.0.0.0", port = 0 } = feed.lines[line] ?? {};
      return { name: `${feed.name}/${line}`, address: addressBytes(host), port };
    }),
  );
}

function addressBytes(host: string): Uint8Array {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return Uint8Array.from(host.split(".").map(Number));
  return host.includes(":") ? new Uint8Array(16) : new Uint8Array(4);
}

/** What a replay of the recording needs to know of the run, without its secrets. */
export interface RunDescription {
  runId: number;
  config: Config;
}

export function describeRun({ runId, config }: RunPlan): RunDescription {
  const feed = config.feed.map((one) => ({ ...one, snapshotPassword: "" }));
  const http = { ...config.http, token: "" };
  const alert = { ...config.alert, webhook: "" };
  return { runId, config: { ...config, feed, http, alert } };
}

export interface RecordingFile {
  run: string;
  index: number;
  path: string;
}

/** The files of all runs, oldest first; none when the directory cannot be read. */
export function recordingFiles(directory: string): RecordingFile[] {
  try {
    return readdirSync(directory)
      .flatMap((name) => {
        const match = namePattern.exec(name);
        if (match === null) return [];
        return [{ run: match[1]!, index: Number(match[2]), path: join(directory, name) }];
      })
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  } catch {
    return [];
  }
}

export function recordingPath(directory: string, run: string, index: number): string {
  return join(directory, `${run}-${String(index).padStart(6, "0")}.pcapng`);
}

export function descriptionPath(directory: string, run: string): string {
  return join(directory, `${run}.json`);
}
