/** Time: whether the clock is kept, how far off it may be, and what reading it costs. */
import { parseChronyTracking } from "../host/chrony.ts";
import { isQuickClockSource } from "../host/clock-source.ts";
import type { KernelClock } from "../host/timex.ts";
import type { Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { duration } from "../unit.ts";

const toolTimeoutMs = 1500;
const sourceDirectory = "/sys/devices/system/clocksource/clocksource0";

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
  if (output === undefined)
    return notApplicable("clock.offset", "chronyc is not installed or does not answer");
  const tracking = output.code === 0 ? parseChronyTracking(output.stdout) : undefined;
  if (tracking === undefined) return notApplicable("clock.offset", "chronyd does not answer");
  const offsetNs = Math.abs(tracking.offsetS) * 1e9;
  const boundNs = tracking.errorMaxS * 1e9;
  const lost = tracking.leap === "Not synchronised";
  return finding(
    "clock.offset",
    lost ? "warning" : severityAbove(boundNs, 1e6, 20e6),
    lost
      ? "chronyd runs and has no reference."
      : `${duration(offsetNs)} ${tracking.offsetS > 0 ? "behind" : "ahead of"} ${tracking.reference} ` +
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
  const fast = isQuickClockSource(current);
  const offered = available.split(" ").includes("tsc");
  const better = current !== "tsc" && offered;
  return finding(
    "clock.source",
    !fast ? "warning" : better ? "note" : "ok",
    `${current}; available: ${available || "unknown"}.`,
    { current, available },
    "",
    { when: offered ? undefined : "no tsc" },
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
