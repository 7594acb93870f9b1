/** The compiled program under the demo's load, its resident memory looked at once a second. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport } from "../../src/thread/supervisor.ts";
import { start } from "../../test/support/binary.ts";
import { growthPerHour, type Sample, type Slope, slopeOf } from "./slope.ts";

export interface Soak {
  seconds: number;
  warmUpSeconds: number;
  /** Datagrams a second. */
  rate: number;
  env?: Record<string, string>;
  /** Called once when the program is warm. */
  onWarm?: (signal: (name: NodeJS.Signals) => void) => void;
}

export interface SoakResult {
  samples: Sample[];
  slope: Slope;
  growth: ReturnType<typeof growthPerHour>;
  report: RunReport;
}

/** VmRSS of /proc/PID/status, bytes. */
export function parseResident(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Somebody looks at it: what HTTP leaves behind counts too. */
const pages = ["/metrics", "/api/v1/status", "/healthz", "/api/v1/latency/summary"];

export async function soak({
  seconds,
  warmUpSeconds,
  rate,
  env,
  onWarm,
}: Soak): Promise<SoakResult> {
  const args = ["run", "--demo", "--demo-rate", String(rate), "--http-listen", "127.0.0.1:0"];
  await using running = start([...args, "--summary", "summary.json"], {
    timeoutMs: (warmUpSeconds + seconds + 60) * 1000,
    ...(env === undefined ? {} : { env }),
  });
  const [, url] = await running.until("stderr", /http on (http:\S+)/);
  await running.until("stderr", /ready: /);
  const samples: Sample[] = [];
  const startedMs = performance.now();
  let warm = false;
  for (let second = 1; second <= warmUpSeconds + seconds; second++) {
    await Bun.sleep(Math.max(0, startedMs + second * 1000 - performance.now()));
    await fetch(`${url}${pages[second % pages.length]}`).then((answer) => answer.arrayBuffer());
    if (second <= warmUpSeconds) continue;
    if (!warm) onWarm?.((name) => running.signal(name));
    warm = true;
    const bytes = parseResident(readFileSync(`/proc/${running.pid}/status`, "utf8"));
    samples.push({ atS: (performance.now() - startedMs) / 1000, bytes });
  }
  running.signal("SIGTERM");
  await running.until("stderr", /signals from \d+ instruments/);
  const report = JSON.parse(readFileSync(join(running.directory, "summary.json"), "utf8"));
  await running.finished;
  const slope = slopeOf(samples);
  return { samples, slope, growth: growthPerHour(slope), report };
}
