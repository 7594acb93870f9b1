/**
 * When the garbage collector runs. The feed thread's own code leaves no garbage, but the runtime
 * makes a buffer for each datagram; collected by chance, that would be in the middle of a burst. So
 * it is asked for in quiet moments, once enough has gathered, and when the process has grown past
 * its threshold. A market that is never quiet is left to the runtime's own choice.
 */
import { Metric } from "../telemetry/metric.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import type { Control } from "./control.ts";

const count = Metric.feed;
/** What the runtime allocates for a datagram besides its bytes: buffer, address, flags. */
const datagramBytes = 256;

export interface QuietOptions {
  control: Pick<Control, "collectSequence">;
  /** The feed thread's, which tell how much has come. */
  counters: Uint32Array;
  pauses: Pick<Recorder, "record">;
  /** No datagram for so long is quiet. */
  quietNs: number;
  /** Garbage, estimated, after which a quiet moment is used; 0 for never. */
  garbageBytes: number;
  now(): number;
  collect?: () => void;
}

export class QuietCollector {
  readonly #options: QuietOptions;
  readonly #collect: () => void;
  #asked: number;
  #datagrams: number;
  #quietSinceNs: number;
  /** Counters at the last collection. */
  #collectedDatagrams: number;
  #collectedBytes: number;

  constructor(options: QuietOptions) {
    this.#options = options;
    this.#collect = options.collect ?? (() => Bun.gc(true));
    this.#asked = options.control.collectSequence;
    this.#datagrams = options.counters[count.receivedDatagrams]!;
    this.#collectedDatagrams = this.#datagrams;
    this.#collectedBytes = options.counters[count.receivedBytes]!;
    this.#quietSinceNs = options.now();
  }

  /** By the timer. */
  idle(nowNs: number): void {
    const { control, counters, quietNs, garbageBytes } = this.#options;
    const datagrams = counters[count.receivedDatagrams]!;
    if (datagrams !== this.#datagrams) {
      this.#datagrams = datagrams;
      this.#quietSinceNs = nowNs;
      return;
    }
    if (nowNs - this.#quietSinceNs < quietNs) return;
    const asked = control.collectSequence;
    // Counters wrap; so do their differences, to the right value.
    const bytes =
      ((counters[count.receivedBytes]! - this.#collectedBytes) >>> 0) +
      ((datagrams - this.#collectedDatagrams) >>> 0) * datagramBytes;
    if (asked === this.#asked && (garbageBytes === 0 || bytes < garbageBytes)) return;
    this.#asked = asked;
    this.#collectedDatagrams = datagrams;
    this.#collectedBytes = counters[count.receivedBytes]!;
    this.#run(nowNs);
  }

  #run(nowNs: number): void {
    const { counters, pauses, now } = this.#options;
    this.#collect();
    const endNs = now();
    pauses.record(Math.max(0, endNs - nowNs));
    counters[count.collections]!++;
    // What came during the pause is read before the next one.
    this.#quietSinceNs = endNs;
  }
}

/** For the other threads, whose pauses nobody waits for: collects once for each demand. */
export function collectOnDemand(
  control: Pick<Control, "collectSequence">,
  collect: () => void = () => Bun.gc(true),
): () => void {
  let seen = control.collectSequence;
  return () => {
    const asked = control.collectSequence;
    if (asked === seen) return;
    seen = asked;
    collect();
  };
}
