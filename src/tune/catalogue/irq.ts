/** Interrupts of the feed's NIC, and the daemon that would move them. */
import { formatCpuMask } from "../../host/cpu-mask.ts";
import { formatCpuList } from "../../host/proc.ts";
import type { Setting } from "../setting.ts";
import { needsFeedCpus } from "./feed-cpu.ts";

const affinity = "kernel documentation, core-api/irq/irq-affinity.rst";

export const irqSettings: readonly Setting[] = [
  {
    id: "irq.feed",
    area: "irq",
    title: "the feed NIC's interrupt vectors on the feed's CPUs",
    why: "the packet is in the cache of the CPU that decodes it",
    source: affinity,
    guide:
      "echo 01 > /proc/irq/N/smp_affinity, N from the first line of /proc/interrupts with the name",
    verdict: "done otherwise",
    answer: "every vector of the device's msi_irqs, as a list, with the effective CPUs read back",
    scope: "interface",
    safe: (machine) => formatCpuList(machine.roles.feedCpus),
    aggressive: (machine) => formatCpuList(machine.roles.feedCpus),
    risk: "low",
    effect: "none",
    owners: ["irqbalance"],
    needs: needsFeedCpus,
    knob: { kind: "irq" },
  },
  {
    id: "irq.default",
    area: "irq",
    title: "CPUs of interrupts yet to be set up",
    why: "a device that appears later does not choose the feed's CPU",
    source: affinity,
    verdict: "done",
    answer: "housekeeping CPUs, in the aggressive profile",
    scope: "host",
    aggressive: (machine) => formatCpuMask(machine.roles.housekeepingCpus),
    risk: "low",
    effect: "none",
    owners: ["tuned"],
    needs: needsFeedCpus,
    knob: { kind: "sysfs", pattern: "/proc/irq/default_smp_affinity" },
  },
  {
    id: "irq.irqbalance",
    area: "irq",
    title: "CPUs that irqbalance leaves alone",
    why: "it would spread other devices' interrupts over the feed's CPUs",
    source: "irqbalance(1)",
    verdict: "done",
    answer: "the feed's CPUs in IRQBALANCE_BANNED_CPULIST, in an own drop-in of its unit",
    scope: "service",
    safe: (machine) => formatCpuList(machine.roles.feedCpus),
    aggressive: (machine) => formatCpuList(machine.roles.feedCpus),
    risk: "low",
    effect: "service restart",
    needs: (machine) =>
      needsFeedCpus(machine) ??
      (machine.installed.irqbalance ? null : "irqbalance is not installed"),
    knob: {
      kind: "drop-in",
      unit: "irqbalance.service",
      directive: "Environment",
      variable: "IRQBALANCE_BANNED_CPULIST",
    },
  },
];
