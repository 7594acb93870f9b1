/** Limits of hftedge's own service, in a drop-in beside its unit. */
import { realTimePriorityMax } from "../../host/service-unit.ts";
import { formatCpuList } from "../../host/proc.ts";
import type { Machine } from "../machine.ts";
import type { Setting, Value } from "../setting.ts";

const unit = "hftedge.service";

const everyCpu = ({ roles }: Machine): string =>
  formatCpuList([...roles.housekeepingCpus, ...roles.feedCpus].toSorted((a, b) => a - b));

interface Limit {
  id: string;
  directive: string;
  title: string;
  why: string;
  safe?: Value;
  aggressive: Value;
  answer: string;
}

const limits: readonly Limit[] = [
  {
    id: "memlock",
    directive: "LimitMEMLOCK",
    title: "memory may be locked",
    why: "mlockall fails at the default limit",
    safe: "infinity",
    aggressive: "infinity",
    answer: "infinity",
  },
  {
    id: "swap",
    directive: "MemorySwapMax",
    title: "no swap for the service",
    why: "also what was not locked stays in RAM",
    safe: "0",
    aggressive: "0",
    answer: "0",
  },
  {
    id: "oom",
    directive: "OOMScoreAdjust",
    title: "killed last when memory runs out",
    why: "a model that grew too large must go before the feed",
    safe: "-900",
    aggressive: "-900",
    answer: "-900",
  },
  {
    id: "nice",
    directive: "Nice",
    title: "priority among ordinary tasks",
    why: "the feed runs before background work",
    safe: "-10",
    aggressive: "-10",
    answer: "-10",
  },
  {
    id: "rtprio",
    directive: "LimitRTPRIO",
    title: "real-time priority allowed",
    why: "run may then put its one receive thread, and no other, under SCHED_FIFO",
    aggressive: String(realTimePriorityMax),
    answer: `${realTimePriorityMax} in the aggressive profile; run uses it for the pinned receive thread only`,
  },
  {
    id: "cpu-latency",
    directive: "OpenFile",
    title: "the idle-state request within the sandbox",
    why: "the service sees no device and is not root; systemd (253 and later) opens it and hands it over",
    safe: "/dev/cpu_dma_latency:cpu_dma_latency:graceful",
    aggressive: "/dev/cpu_dma_latency:cpu_dma_latency:graceful",
    answer: "OpenFile=/dev/cpu_dma_latency, held by run for as long as it runs",
  },
  {
    id: "cpus",
    directive: "CPUAffinity",
    title: "all CPUs, the isolated ones too",
    why: "isolated CPUs are left out of a service's default set, and the feed thread needs one",
    safe: everyCpu,
    aggressive: everyCpu,
    answer: "housekeeping and feed CPUs; run pins its threads within them",
  },
];

export const limitSettings: readonly Setting[] = limits.map((limit): Setting => ({
  id: `limit.${limit.id}`,
  area: "limit",
  title: `${limit.title} (${limit.directive})`,
  why: limit.why,
  source: "systemd.exec(5), systemd.resource-control(5)",
  verdict: "done",
  answer: limit.answer,
  scope: "service",
  ...(limit.safe === undefined ? {} : { safe: limit.safe }),
  aggressive: limit.aggressive,
  risk: "low",
  effect: "service restart",
  needs: (machine) =>
    limit.id === "cpus" && machine.roles.feedCpus.length === 0
      ? "no CPU is set apart for the feed"
      : null,
  knob: { kind: "drop-in", unit, directive: limit.directive },
}));
