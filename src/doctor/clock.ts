/** Time: whether the clock is kept, how far off it may be, and what reading it costs. */
import type { KernelClock } from "../host/timex.ts";
import type { Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { duration } from "../unit.ts";

const toolTimeoutMs = 1500;
const sourceDirectory = "/sys/devices/system/clocksource/clocksource0";

/** What `chronyc -c tracking` says. */
export interface ChronyTracking {
  reference: string;
  stratum: number;
  /** Our clock against the reference: positive is ahead. */
  offsetS: number;
  rmsOffsetS: number;
  frequencyPpm: number;
  rootDelayS: number;
  rootDispersionS: number;
  /** "Normal", "Insert second", "Delete second" or "Not synchronised". */
  leap: string;
}

/**
 * `chronyc -c tracking`: reference id, name, stratum, reference time, system offset, last offset,
 * RMS offset, frequency, residual frequency, skew, root delay, root dispersion, interval, leap status.
 */
export function parseChronyTracking(text: string): ChronyTracking | undefined {
  const columns = text.trim().split(",");
  if (columns.length < 14) return undefined;
  const at = (index: number): number => Number(columns[index]);
  const tracking: ChronyTracking = {
    reference: columns[1]! || columns[0]!,
    stratum: at(2),
    offsetS: at(4),
    rmsOffsetS: at(6),
    frequencyPpm: at(7),
    rootDelayS: at(10),
    rootDispersionS: at(11),
    leap: columns[13]!,
  };
  return Number.isFinite(tracking.offsetS) ? tracking : undefined;
}

function synchronised(clock: KernelClock | undefined): Outcome {
  if (clock === undefined) {
    return notApplicable("clock.synchronised", "the kernel's clock cannot be asked here");
  }
  const leap = clock.leapSecond === 0 ? "" : `; a leap second is announced (${clock.leapSecond})`;
  const values = {
    synchronised: clock.synchronised,
    errorMaxUs: clock.errorMaxUs,
    errorEstimateUs: clock.errorEstimateUs,
    frequencyPpm: clock.frequencyPpm,
    taiOffsetS: clock.taiOffsetS,
  };
  if (!clock.synchronised) {
    return finding(
      "clock.synchronised",
      "warning",
      `No daemon keeps the clock: the kernel's error bound has grown to ${duration(clock.errorMaxUs * 1e3)}${leap}.`,
      values,
    );
  }
  return finding(
    "clock.synchronised",
    severityAbove(clock.errorMaxUs, 50_000, 1_000_000),
    `Kept: error at most ${duration(clock.errorMaxUs * 1e3)}, estimated ${duration(clock.errorEstimateUs * 1e3)}, ` +
      `frequency corrected by ${clock.frequencyPpm.toFixed(2)} ppm${leap}.`,
    values,
  );
}

async function offset({ runTool }: ProbeContext): Promise<Outcome> {
  const output = await runTool(["chronyc", "-n", "-c", "tracking"], toolTimeoutMs);
  if (output === undefined) return notApplicable("clock.offset", "chronyc is not installed");
  const tracking = output.code === 0 ? parseChronyTracking(output.stdout) : undefined;
  if (tracking === undefined) return notApplicable("clock.offset", "chronyd does not answer");
  const offsetNs = Math.abs(tracking.offsetS) * 1e9;
  // The true error is within the offset, half the round trip and the dispersion together.
  const boundNs = offsetNs + (tracking.rootDelayS / 2 + tracking.rootDispersionS) * 1e9;
  const lost = tracking.leap === "Not synchronised";
  return finding(
    "clock.offset",
    lost ? "warning" : severityAbove(boundNs, 1e6, 20e6),
    lost
      ? "chronyd runs and has no reference."
      : `${duration(offsetNs)} ${tracking.offsetS < 0 ? "behind" : "ahead of"} ${tracking.reference} ` +
          `(stratum ${tracking.stratum}); the true time is within ${duration(boundNs)}.`,
    {
      offsetNs: tracking.offsetS * 1e9,
      boundNs,
      stratum: tracking.stratum,
      reference: tracking.reference,
    },
  );
}

function source({ root }: ProbeContext): Outcome {
  const current = root.word(`${sourceDirectory}/current_clocksource`);
  const available = root.word(`${sourceDirectory}/available_clocksource`) ?? "";
  if (current === undefined) return notApplicable("clock.source", "the kernel does not tell");
  // These are read in user space; kvm-clock and hyperv too, through their shared page.
  const quick = ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page"];
  const fast = quick.includes(current);
  const better = current !== "tsc" && available.split(" ").includes("tsc");
  return finding(
    "clock.source",
    !fast ? "warning" : better ? "note" : "ok",
    `${current}; available: ${available || "unknown"}.`,
    { current, available },
  );
}

export const clockProbe: Probe = {
  area: "clock",
  run: async (context) => [
    synchronised(context.kernelClock()),
    await offset(context),
    source(context),
  ],
};
