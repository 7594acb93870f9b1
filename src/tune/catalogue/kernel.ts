/** Arguments of the kernel command line: they need a reboot, so none is in the safe profile. */
import { formatCpuList } from "../../host/proc.ts";
import type { Machine } from "../machine.ts";
import type { Setting } from "../setting.ts";
import { needsFeedCpus } from "./feed-cpu.ts";

const source = "kernel documentation, admin-guide/kernel-parameters.txt";

const needsIntel = (machine: Machine): string | null =>
  machine.vendor === "intel" ? null : "only Intel's idle driver reads it";
const needsX86 = (machine: Machine): string | null =>
  machine.arch === "x64" ? null : "an argument of x86 only";

export const kernelSettings: readonly Setting[] = [
  {
    id: "kernel.isolcpus",
    area: "kernel command line",
    title: "feed CPUs out of the scheduler's balancing",
    why: "no other task and no managed interrupt is placed on the feed's CPU",
    source,
    guide: "isolated_cores=2-15 as a line in /etc/default/grub",
    verdict: "done otherwise",
    answer: "isolcpus=managed_irq,domain,… on the command line, in the aggressive profile",
    scope: "host",
    aggressive: (machine) => `managed_irq,domain,${formatCpuList(machine.roles.feedCpus)}`,
    risk: "medium",
    effect: "reboot",
    owners: ["tuned"],
    needs: needsFeedCpus,
    knob: { kind: "kernel", argument: "isolcpus" },
  },
  {
    id: "kernel.irqaffinity",
    area: "kernel command line",
    title: "interrupts on housekeeping CPUs from the start",
    why: "devices that appear at boot do not choose the feed's CPU",
    source,
    verdict: "done",
    answer: "the housekeeping CPUs, in the aggressive profile",
    scope: "host",
    aggressive: (machine) => formatCpuList(machine.roles.housekeepingCpus),
    risk: "low",
    effect: "reboot",
    owners: ["tuned"],
    needs: needsFeedCpus,
    knob: { kind: "kernel", argument: "irqaffinity" },
  },
  {
    id: "kernel.intel_idle.max_cstate",
    area: "kernel command line",
    title: "no deep idle states from Intel's driver",
    why: "the alternative to holding /dev/cpu_dma_latency, for all CPUs and all the time",
    source,
    verdict: "audit",
    answer:
      "only with --with kernel.intel_idle.max_cstate: run's request does the same and ends with it",
    scope: "host",
    asked: "0",
    risk: "medium",
    effect: "reboot",
    needs: needsIntel,
    knob: { kind: "kernel", argument: "intel_idle.max_cstate" },
  },
  {
    id: "kernel.processor.max_cstate",
    area: "kernel command line",
    title: "no deep idle states from ACPI",
    why: "goes with intel_idle.max_cstate=0, which hands over to ACPI's driver",
    source,
    verdict: "audit",
    answer: "only with --with kernel.processor.max_cstate",
    scope: "host",
    asked: "1",
    risk: "medium",
    effect: "reboot",
    needs: needsX86,
    knob: { kind: "kernel", argument: "processor.max_cstate" },
  },
  {
    id: "kernel.mitigations",
    area: "kernel command line",
    title: "mitigations of processor vulnerabilities",
    why: "they make system calls and context switches dearer",
    source,
    verdict: "audit",
    answer:
      "switched off only with --with kernel.mitigations: it trades the box's security for speed",
    scope: "host",
    asked: "off",
    risk: "high",
    effect: "reboot",
    knob: { kind: "kernel", argument: "mitigations" },
  },
  {
    id: "kernel.nohz_full",
    area: "kernel command line",
    title: "no tick on the feed's CPUs",
    why: "it pays only for one native thread that spins and never enters the kernel",
    source: "kernel documentation, timers/no_hz.rst",
    guide: "nohz_full=2-15 as a line in /etc/default/grub",
    verdict: "refused",
    answer:
      "makes system calls dearer and implies rcu_nocbs: wrong for a process with collector threads",
    scope: "host",
    risk: "medium",
    effect: "reboot",
    knob: { kind: "none" },
  },
  {
    id: "kernel.grub-append",
    area: "kernel command line",
    title: "lines appended to /etc/default/grub",
    why: "GRUB reads known variables only, and a second run appends them again",
    source: "GRUB manual, Simple configuration",
    guide: "echo … >> /etc/default/grub",
    verdict: "done otherwise",
    answer:
      "own file /etc/default/grub.d/60-hftedge.cfg and update-grub; grubby where that is the tool",
    scope: "host",
    risk: "none",
    effect: "reboot",
    knob: { kind: "none" },
  },
];
