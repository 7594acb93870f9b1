/** How a gap ended. */
export const GapEnd = {
  /** What was missing came by a line after all: reordered, or by the other line. */
  line: 1,
  /** It was sent again on request. */
  retransmission: 2,
  /** A snapshot took its place. */
  snapshot: 3,
  /** It was given up: these messages are lost. */
  lost: 4,
  /** The session changed or began again, so it does not matter any more. */
  superseded: 5,
} as const;
export type GapEnd = (typeof GapEnd)[keyof typeof GapEnd];

export interface Gap {
  channel: number;
  /** The first missing sequence, and the one after the last. */
  from: number;
  to: number;
  end: GapEnd;
  /** When it was seen, and for how long it lasted, on the clock of the datagrams. */
  seenNs: number;
  lastedNs: number;
}

const words = 6;

/** The last gaps that ended, in a ring: a reader that falls behind is told how many it missed. */
export class GapLog {
  /** Gaps that ended so far. */
  ended = 0;
  readonly #capacity: number;
  readonly #records: Float64Array;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#records = new Float64Array(capacity * words);
  }

  add(
    channel: number,
    from: number,
    to: number,
    end: GapEnd,
    seenNs: number,
    lastedNs: number,
  ): void {
    const at = (this.ended++ % this.#capacity) * words;
    const records = this.#records;
    records[at] = channel;
    records[at + 1] = from;
    records[at + 2] = to;
    records[at + 3] = end;
    records[at + 4] = seenNs;
    records[at + 5] = lastedNs;
  }

  /** Gap number `index`, counted from 0; undefined when it is still to come or overwritten. */
  read(index: number): Gap | undefined {
    if (index >= this.ended || index < this.ended - this.#capacity) return undefined;
    const at = (index % this.#capacity) * words;
    const [channel, from, to, end, seenNs, lastedNs] = this.#records.subarray(at, at + words);
    return {
      channel: channel!,
      from: from!,
      to: to!,
      end: end as GapEnd,
      seenNs: seenNs!,
      lastedNs: lastedNs!,
    };
  }
}
