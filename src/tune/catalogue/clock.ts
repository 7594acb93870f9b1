/** Clocks are looked at and never set: they belong to chrony or ptp4l. */
import { parseChronyTracking } from "../../host/chrony.ts";
import { isQuickClockSource } from "../../host/clock-source.ts";
import type { Host } from "../../host/host.ts";
import { unitActive } from "../../host/systemd.ts";
import type { Machine } from "../machine.ts";
import type { Look, Setting } from "../setting.ts";

const clocksource = "/sys/devices/system/clocksource/clocksource0";
/** chrony's estimate of its own error above which times of two hosts cannot be compared in µs. */
const errorMaxS = 0.001;

function lookAtSource(host: Host): Look {
  const live = host.read(`${clocksource}/current_clocksource`)?.trim() ?? null;
  if (live === null || isQuickClockSource(live)) return { live, finding: null };
  return {
    live,
    finding: `reading the clock goes through ${live}: each reading leaves user space`,
  };
}

function lookAtSync(host: Host, machine: Machine): Look {
  if (machine.systemd && unitActive(host, "ptp4l.service")) {
    return { live: "ptp4l", finding: null };
  }
  const result = host.run(["chronyc", "-n", "-c", "tracking"], 2000);
  const tracking = result.code === 0 ? parseChronyTracking(result.stdout) : undefined;
  if (tracking === undefined) {
    return {
      live: null,
      finding: "neither chrony nor ptp4l answers: network_latency cannot be trusted",
    };
  }
  const live = `chrony, stratum ${tracking.stratum}, error ${(tracking.errorMaxS * 1e6).toFixed(0)} µs`;
  const lost = tracking.leap === "Not synchronised";
  if (lost || tracking.stratum === 0 || tracking.stratum > 15) {
    return { live, finding: "not synchronised" };
  }
  return {
    live,
    finding: tracking.errorMaxS > errorMaxS ? "its error is too large to compare hosts" : null,
  };
}

export const clockSettings: readonly Setting[] = [
  {
    id: "clock.source",
    area: "clock",
    title: "the kernel's clock source",
    why: "each latency stage reads the clock; tsc and its like are read without a system call",
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
