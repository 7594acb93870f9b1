/** Where, with what and when a report was made. */
import { cpus, release, totalmem } from "node:os";
import { buildFact } from "../src/build/compile.ts";

export interface ReportHead {
  machine: { cpu: string; cpus: number; memoryGiB: number; kernel: string };
  bun: string;
  commit: string;
  date: string;
}

export async function reportHead(): Promise<ReportHead> {
  const [processor] = cpus();
  return {
    machine: {
      cpu: processor?.model ?? "unknown",
      cpus: cpus().length,
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      kernel: release(),
    },
    bun: Bun.version,
    commit: (await buildFact()).commit,
    date: new Date().toISOString(),
  };
}

export function headLine({ machine, bun, commit, date }: ReportHead): string {
  return `${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Bun ${bun}, commit ${commit}, ${date}`;
}

/** The upper of the two in the middle where there are two. */
export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
