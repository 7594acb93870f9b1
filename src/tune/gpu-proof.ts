/** A locked clock is a request: whether the card keeps it shows only under load. */
import { idleReason, reasonWords } from "../host/clock-reason.ts";
import type { Host } from "../host/host.ts";
import { type Gpu, openGpus } from "../host/nvidia.ts";

export interface ClockProof {
  uuid: string;
  /** Clock that was asked for, MHz; null: none. */
  wantedMhz: number | null;
  /** Lowest clock seen while the card was busy, MHz; null when it never was. */
  lowestMhz: number | null;
  busySamples: number;
  samples: number;
  /** Why the clock was lower, in words. */
  reasons: string[];
}

/** Folds samples of one card; those in which it was idle prove nothing. */
export function proofOf(
  uuid: string,
  wantedMhz: number | null,
  samples: readonly Gpu[],
): ClockProof {
  const busy = samples.filter(
    ({ eventReasons }) => eventReasons !== null && (eventReasons & idleReason) === 0,
  );
  const clocks = busy.flatMap(({ smClockMhz }) => (smClockMhz === null ? [] : [smClockMhz]));
  return {
    uuid,
    wantedMhz,
    lowestMhz: clocks.length === 0 ? null : Math.min(...clocks),
    busySamples: busy.length,
    samples: samples.length,
    reasons: [...new Set(busy.flatMap(({ eventReasons }) => reasonWords(eventReasons ?? 0)))],
  };
}

const sampleMs = 100;

/** Samples every card for a while; the load has to come from elsewhere, a request to the model. */
export async function proveClocks(
  host: Host,
  wanted: ReadonlyMap<string, number>,
  durationMs: number,
): Promise<ClockProof[]> {
  const control = openGpus(host);
  if (control === null) return [];
  try {
    const samples = new Map<string, Gpu[]>();
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += sampleMs) {
      for (const gpu of control.list()) {
        samples.set(gpu.uuid, [...(samples.get(gpu.uuid) ?? []), gpu]);
      }
      await Bun.sleep(sampleMs);
    }
    return [...samples].map(([uuid, list]) => proofOf(uuid, wanted.get(uuid) ?? null, list));
  } finally {
    control.close();
  }
}

export function renderProof(proof: ClockProof): string {
  const { uuid, wantedMhz, lowestMhz, reasons } = proof;
  if (lowestMhz === null) {
    return `${uuid}: idle all the time, so nothing is proved; ask the model something meanwhile`;
  }
  const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
  if (wantedMhz === null) return `${uuid}: at least ${lowestMhz} MHz under load${why}`;
  const kept = lowestMhz >= wantedMhz ? "kept" : "NOT kept";
  return `${uuid}: ${wantedMhz} MHz ${kept}, lowest ${lowestMhz} MHz under load${why}`;
}
