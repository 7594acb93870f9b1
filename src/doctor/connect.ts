/** Round trips of TCP connects to a host and port: what the network takes, without any protocol. */
import { lookup } from "node:dns/promises";
import { EdgeError } from "../error.ts";
import { openConnector, type Connector } from "../host/connect.ts";
import type { DoctorClock } from "./context.ts";
import { duration } from "../unit.ts";

export const connectsMax = 10_000;

export interface ConnectOptions {
  host: string;
  port: number;
  count: number;
  /** Between one connect's end and the next's start. */
  pauseMs: number;
  timeoutMs: number;
  clock: DoctorClock;
  signal?: AbortSignal;
  open?: (address: string, port: number, timeoutMs: number) => Connector;
}

/** Times are ns, of the connects that succeeded; 0 when none did. */
export interface ConnectReport {
  host: string;
  address: string;
  port: number;
  count: number;
  failed: number;
  /** How often each error came. */
  errors: Record<string, number>;
  minNs: number;
  meanNs: number;
  p50Ns: number;
  p99Ns: number;
  maxNs: number;
}

/** "host:port" or "[v6]:port". */
export function parseTarget(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/?#\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2])!, port };
}

/** The value below or at which a share of the sorted values lies (nearest rank). */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** @throws EdgeError for a name that does not resolve. */
export async function probeConnect(options: ConnectOptions): Promise<ConnectReport> {
  const { host, port, clock } = options;
  const address = await resolve(host);
  const connector = (options.open ?? openConnector)(address, port, options.timeoutMs);
  const times: number[] = [];
  const errors: Record<string, number> = {};
  let made = 0;
  try {
    const count = Math.min(options.count, connectsMax);
    for (; made < count && options.signal?.aborted !== true; made++) {
      if (made > 0) await clock.sleep(options.pauseMs);
      const result = connector.connect();
      if (typeof result === "number") times.push(result);
      else errors[result] = (errors[result] ?? 0) + 1;
    }
  } finally {
    connector.close();
  }
  const sorted = times.toSorted((a, b) => a - b);
  const sum = sorted.reduce((total, time) => total + time, 0);
  return {
    host,
    address,
    port,
    count: made,
    failed: made - sorted.length,
    errors,
    minNs: sorted[0] ?? 0,
    meanNs: sorted.length === 0 ? 0 : sum / sorted.length,
    p50Ns: percentile(sorted, 0.5),
    p99Ns: percentile(sorted, 0.99),
    maxNs: sorted.at(-1) ?? 0,
  };
}

async function resolve(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new EdgeError(
      "NAME_UNKNOWN",
      `the name ${host} does not resolve`,
      `Look it up: getent ahosts ${host}`,
      error,
    );
  }
}

/** One line of words with the numbers; a second one when some failed. */
export function renderConnect(report: ConnectReport): string {
  const target = `${report.host}:${report.port}`;
  const name = report.host === report.address ? target : `${target} (${report.address})`;
  const good = report.count - report.failed;
  const lines = [`${name}: ${good} of ${report.count} connects`];
  if (good > 0) {
    lines.push(
      `  min ${duration(report.minNs)}  mean ${duration(report.meanNs)}  p50 ${duration(report.p50Ns)}` +
        `  p99 ${duration(report.p99Ns)}  max ${duration(report.maxNs)}`,
    );
  }
  if (report.failed > 0) {
    const words = Object.entries(report.errors).map(([error, count]) => `${count} × ${error}`);
    lines.push(`  failed: ${words.join(", ")}`);
  }
  return lines.join("\n");
}
