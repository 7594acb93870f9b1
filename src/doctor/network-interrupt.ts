/** Which CPUs serve an adapter's interrupts: no other device's those of the feed, none a far node's. */
import { interfaceInterrupts } from "../host/nic-interrupt.ts";
import { formatCpuList, parseCpuList } from "../host/proc.ts";
import { interfacesMax, type MachineNeeds, type ProbeContext } from "./context.ts";
import { finding, isFinding, notApplicable, type Outcome } from "./finding.ts";
import { plural } from "./text.ts";

/** Without a word about the interfaces any may be the feed's. */
function carriesFeed({ interfaces }: MachineNeeds, name: string): boolean {
  return interfaces.length === 0 || interfaces.includes(name);
}

/** Interfaces that carry no feed and interrupt CPUs that are not theirs; the others say nothing. */
export function strayInterrupts(context: ProbeContext, examined: readonly string[]): Outcome[] {
  return [...context.second.interfaces.keys()]
    .filter((name) => !examined.includes(name))
    .slice(0, interfacesMax)
    .map((name) => interruptPlacement(context, name))
    .filter((outcome) => isFinding(outcome) && outcome.severity === "warning");
}

export function interruptPlacement({ root, needs }: ProbeContext, name: string): Outcome {
  const vectors = interfaceInterrupts(root.list, name);
  if (vectors.length === 0) {
    return notApplicable("network.interrupt", "it has no interrupts of its own", name);
  }
  const cpusOf = (irq: number): number[] =>
    parseCpuList(
      root.word(`/proc/irq/${irq}/effective_affinity_list`) ??
        root.word(`/proc/irq/${irq}/smp_affinity_list`) ??
        "",
    );
  const used = [...new Set(vectors.flatMap(cpusOf))].toSorted((a, b) => a - b);
  const isolated = parseCpuList(root.word("/sys/devices/system/cpu/isolated") ?? "");
  // The feed's own belong there: the packet is then in the cache of the CPU that decodes it.
  const avoid = new Set(carriesFeed(needs, name) ? [] : [...needs.feedCpus, ...isolated]);
  const hit = used.filter((cpu) => avoid.has(cpu));
  const node = root.number(`/sys/class/net/${name}/device/numa_node`) ?? -1;
  const local = parseCpuList(root.word(`/sys/class/net/${name}/device/local_cpulist`) ?? "");
  const far = local.length === 0 ? [] : used.filter((cpu) => !local.includes(cpu));
  const problems: string[] = [];
  if (hit.length > 0) problems.push(`CPU ${formatCpuList(hit)} belongs to the feed or is isolated`);
  if (far.length > 0)
    problems.push(`CPU ${formatCpuList(far)} is not on the adapter's node ${node}`);
  return finding(
    "network.interrupt",
    hit.length > 0 ? "warning" : far.length > 0 ? "note" : "ok",
    `${plural(vectors.length, "vector")} on CPU ${formatCpuList(used) || "unknown"}` +
      `${problems.length === 0 ? "" : `: ${problems.join("; ")}`}.`,
    {
      vectors: vectors.length,
      cpus: formatCpuList(used),
      onFeedOrIsolated: formatCpuList(hit),
      onFarNode: formatCpuList(far),
    },
    name,
  );
}
