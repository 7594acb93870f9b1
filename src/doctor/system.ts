/** CPUs: how busy, how fast, how isolated, and who takes time away from us. */
import { cpuTicks, parseLoadAverage, type CpuTimes } from "../host/proc.ts";
import { detectEnvironment } from "../host/virtual.ts";
import { windowS, type Probe, type ProbeContext } from "./context.ts";
import { cpuPower } from "./cpu-power.ts";
import { isolation } from "./isolation.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { percent } from "../unit.ts";

function environment({ root }: ProbeContext): Outcome {
  const { hypervisor, container } = detectEnvironment(root);
  const values = { hypervisor: hypervisor ?? "none", container: container ?? "none" };
  if (hypervisor !== undefined) {
    const inside = container === undefined ? "" : `, in a container (${container})`;
    return finding(
      "system.environment",
      "note",
      `A virtual machine (${hypervisor})${inside}.`,
      values,
    );
  }
  const text =
    container === undefined ? "Bare metal." : `A container (${container}) on bare metal.`;
  return finding("system.environment", "ok", text, values);
}

/** The share of the window that a CPU spent on something; undefined when no tick passed. */
function share(
  before: CpuTimes,
  after: CpuTimes,
  part: (times: CpuTimes) => number,
): number | undefined {
  const ticks = cpuTicks(after) - cpuTicks(before);
  return ticks <= 0 ? undefined : (part(after) - part(before)) / ticks;
}

function cpuUse({ first, second }: ProbeContext): Outcome[] {
  const before = first.stat?.cpus[0];
  const after = second.stat?.cpus[0];
  if (before === undefined || after === undefined) {
    return [
      notApplicable("system.cpu-use", "no /proc/stat"),
      notApplicable("system.steal", "no /proc/stat"),
    ];
  }
  const busy = share(before, after, (t) => cpuTicks(t) - t.idle - t.ioWait) ?? 0;
  let busiest = { cpu: -1, share: busy };
  for (const times of second.stat?.cpus.slice(1) ?? []) {
    const earlier = first.stat?.cpus.find((cpu) => cpu.cpu === times.cpu);
    if (earlier === undefined) continue;
    const one = share(earlier, times, (t) => cpuTicks(t) - t.idle - t.ioWait) ?? 0;
    if (busiest.cpu < 0 || one > busiest.share) busiest = { cpu: times.cpu, share: one };
  }
  const steal = share(before, after, (t) => t.steal) ?? 0;
  const stealSinceBoot = after.steal / Math.max(1, cpuTicks(after));
  return [
    finding(
      "system.cpu-use",
      severityAbove(busy, 0.6, 0.85),
      `${percent(busy)} busy over all CPUs${busiest.cpu < 0 ? "" : `; the busiest is CPU ${busiest.cpu} at ${percent(busiest.share)}`}.`,
      { busyShare: busy, busiestCpu: busiest.cpu, busiestShare: busiest.share },
    ),
    finding(
      "system.steal",
      severityAbove(Math.max(steal, stealSinceBoot), 0.002, 0.01, 0.05),
      `${percent(steal)} stolen now, ${percent(stealSinceBoot)} since boot.`,
      { stealShare: steal, stealShareSinceBoot: stealSinceBoot },
    ),
  ];
}

function load({ root, second }: ProbeContext): Outcome {
  const average = parseLoadAverage(root.text("/proc/loadavg") ?? "");
  const cpus = (second.stat?.cpus.length ?? 0) - 1;
  if (average === undefined || cpus < 1) return notApplicable("system.load", "no /proc/loadavg");
  const perCpu = average[0] / cpus;
  return finding(
    "system.load",
    severityAbove(perCpu, 0.8, 1.5),
    `${average.join(", ")} over 1, 5 and 15 minutes on ${cpus} CPUs.`,
    { load1: average[0], load5: average[1], load15: average[2], cpus },
  );
}

function pressure(context: ProbeContext): Outcome {
  const before = context.first.pressure.cpu?.some;
  const after = context.second.pressure.cpu?.some;
  if (before === undefined || after === undefined) {
    return notApplicable("system.pressure", "the kernel keeps no pressure (psi=1 turns it on)");
  }
  const now = Math.max(0, after.totalUs - before.totalUs) / 1e6 / windowS(context);
  return finding(
    "system.pressure",
    severityAbove(after.avg10, 10, 40),
    `Some task waited for a CPU ${percent(now)} of the time now, ${after.avg10} % over 10 s, ${after.avg300} % over 5 min.`,
    { someShareNow: now, someAvg10Percent: after.avg10, someAvg300Percent: after.avg300 },
  );
}

function throttle({ first, second }: ProbeContext): Outcome {
  const before = first.throttle;
  const after = second.throttle;
  const periods = after?.get("nr_periods") ?? 0;
  const total = after?.get("nr_throttled") ?? 0;
  if (after === undefined || !after.has("nr_throttled")) {
    return notApplicable("system.throttle", "this control group has no CPU quota");
  }
  const now = total - (before?.get("nr_throttled") ?? total);
  return finding(
    "system.throttle",
    now > 0 ? "critical" : total > 0 ? "warning" : periods > 0 ? "note" : "ok",
    periods === 0
      ? "No CPU quota is in force."
      : `A quota is in force: throttled in ${total} of ${periods} periods, ${now} of them just now.`,
    { throttledNow: now, throttledPeriods: total, periods },
  );
}

export const systemProbe: Probe = {
  area: "system",
  run: (context) => [
    environment(context),
    ...cpuUse(context),
    load(context),
    pressure(context),
    throttle(context),
    ...cpuPower(context),
    isolation(context),
  ],
};
