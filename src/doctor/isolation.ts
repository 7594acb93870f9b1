/** Whether the receive thread's CPUs are its own, as the kernel sees it and not as a file intends it. */
import { formatCpuList, parseCpuList, parseKernelCommandLine } from "../host/proc.ts";
import type { ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";

/** Words of well-known guides that no kernel reads, on a command line or anywhere else. */
const withoutEffect = ["isolated_cores", "nohz_cores"];

export function isolation({ root, needs, second }: ProbeContext): Outcome {
  const cpus = (second.stat?.cpus.length ?? 0) - 1;
  const isolated = parseCpuList(root.word("/sys/devices/system/cpu/isolated") ?? "");
  const tickless = root.word("/sys/devices/system/cpu/nohz_full") ?? "";
  const parameters = parseKernelCommandLine(root.text("/proc/cmdline") ?? "");
  const ignored = withoutEffect.filter((name) => parameters.has(name));
  const values = {
    isolatedCpus: formatCpuList(isolated),
    tickless: tickless === "(null)" ? "" : tickless,
    feedCpus: formatCpuList(needs.feedCpus),
  };
  if (ignored.length > 0) {
    return finding(
      "system.isolation",
      "warning",
      `The kernel ignores ${ignored.map((name) => `${name}=`).join(" and ")} on its command line; ` +
        `isolated CPUs: ${values.isolatedCpus || "none"}.`,
      { ...values, ignored: ignored.join(",") },
    );
  }
  const exposed = needs.feedCpus.filter((cpu) => !isolated.includes(cpu));
  if (exposed.length > 0) {
    return finding(
      "system.isolation",
      "note",
      `The feed is pinned to CPU ${values.feedCpus}, and ${formatCpuList(exposed)} is not isolated.`,
      values,
    );
  }
  if (cpus < 4 && isolated.length === 0) {
    return notApplicable("system.isolation", `with ${cpus} CPUs there is none to spare`);
  }
  return finding(
    "system.isolation",
    isolated.length === 0 ? "note" : "ok",
    isolated.length === 0
      ? `No CPU of ${cpus} is isolated.`
      : `Isolated: CPU ${values.isolatedCpus}${values.tickless === "" ? "" : `; without tick: ${values.tickless}`}.`,
    values,
  );
}
