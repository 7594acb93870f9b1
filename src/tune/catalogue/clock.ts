/** Clocks are looked at and never set: they belong to chrony or ptp4l. */
import type { Host } from "../../host/host.ts";
import { unitActive } from "../../host/systemd.ts";
import type { Machine } from "../machine.ts";
import type { Look, Setting } from "../setting.ts";

const clocksource = "/sys/devices/system/clocksource/clocksource0";
/** chrony's estimate of its own error above which times of two hosts cannot be compared in µs. */
const errorMaxS = 0.001;

function lookAtSource(host: Host, machine: Machine): Look {
  const live = host.read(`${clocksource}/current_clocksource`)?.trim() ?? null;
  if (live === null || machine.arch !== "x64" || live === "tsc") return { live, finding: null };
  return {
    live,
    finding: `reading the clock goes through ${live}: slower than tsc, often by a system call`,
  };
}

/** `chronyc -c tracking`: comma-separated; 3 stratum, 5 last offset, 11 root delay, 12 dispersion. */
export function parseTracking(text: string): { stratum: number; errorS: number } | null {
  const cells = text.trim().split(",");
  if (cells.length < 13) return null;
  const [stratum, offset, delay, dispersion] = [2, 4, 10, 11].map((i) => Number(cells[i]));
  const errorS = Math.abs(offset!) + delay! / 2 + dispersion!;
  return Number.isFinite(errorS) && Number.isFinite(stratum!)
    ? { stratum: stratum!, errorS }
    : null;
}

function lookAtSync(host: Host, machine: Machine): Look {
  if (machine.systemd && unitActive(host, "ptp4l.service")) {
    return { live: "ptp4l", finding: null };
  }
  const result = host.run(["chronyc", "-c", "tracking"], 2000);
  const tracking = result.code === 0 ? parseTracking(result.stdout) : null;
  if (tracking === null) {
    return {
      live: null,
      finding: "neither chrony nor ptp4l answers: network_latency cannot be trusted",
    };
  }
  const live = `chrony, stratum ${tracking.stratum}, error ${(tracking.errorS * 1e6).toFixed(0)} µs`;
  if (tracking.stratum === 0 || tracking.stratum > 15) return { live, finding: "not synchronised" };
  return {
    live,
    finding: tracking.errorS > errorMaxS ? "its error is too large to compare hosts" : null,
  };
}

export const clockSettings: readonly Setting[] = [
  {
    id: "clock.source",
    area: "clock",
    title: "the kernel's clock source",
    why: "each latency stage reads the clock; tsc is read without a system call",
    source: "kernel documentation, timers/timekeeping.rst",
    verdict: "audit",
    answer: "shown; the kernel leaves tsc only when it has a reason",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: { kind: "audit", look: lookAtSource },
  },
  {
    id: "clock.sync",
    area: "clock",
    title: "agreement with the exchange's clock",
    why: "network latency is the difference of two machines' clocks",
    source: "chronyc(1), ptp4l(8)",
    verdict: "audit",
    answer: "shown; chrony or ptp4l stays in charge",
    scope: "host",
    risk: "none",
    effect: "none",
    knob: { kind: "audit", look: lookAtSync },
  },
];
