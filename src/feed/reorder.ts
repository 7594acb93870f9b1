/**
 * Datagrams that came before their turn, sorted by their first sequence, per channel. All memory is
 * made at the start: a pool of equal slots for the messages, shared by the channels, and a sorted
 * list of slots per channel.
 */
export const ReorderPut = { kept: 0, known: 1, full: 2 } as const;
export type ReorderPut = (typeof ReorderPut)[keyof typeof ReorderPut];

export class ReorderBuffer {
  /** Holds the messages of slot i from `i * slotBytes` on. */
  readonly bytes: Buffer;
  /** Per slot: the sequence of its first message and the number of messages. */
  readonly first: Float64Array;
  readonly count: Uint16Array;
  /** Per slot: when it came. */
  readonly cameNs: Float64Array;
  /** Datagrams kept at present, of all channels, and the most there ever were. */
  used = 0;
  usedMax = 0;

  readonly slots: number;
  readonly slotBytes: number;
  readonly #free: Int32Array;
  /** Channel c's list is [#heads[c], #tails[c]) of its `2 * slots` entries. */
  readonly #lists: Int32Array;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;

  /** `slotBytes`: the most bytes of a datagram that can be kept. */
  constructor(channels: number, slots: number, slotBytes: number) {
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.bytes = Buffer.alloc(slots * slotBytes);
    this.first = new Float64Array(slots);
    this.count = new Uint16Array(slots);
    this.cameNs = new Float64Array(slots);
    this.#free = Int32Array.from({ length: slots }, (_, i) => i);
    this.#lists = new Int32Array(channels * 2 * slots);
    this.#heads = new Int32Array(channels);
    this.#tails = new Int32Array(channels);
  }

  /** The slot of the channel's lowest sequence, -1 when nothing is kept. */
  head(channel: number): number {
    const at = this.#heads[channel]!;
    if (at === this.#tails[channel]!) return -1;
    return this.#lists[channel * 2 * this.slots + at]!;
  }

  /** Copies `bytes[at, end)`, the messages [first, first + count) of a channel. */
  put(
    channel: number,
    first: number,
    count: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): ReorderPut {
    const base = channel * 2 * this.slots;
    const lists = this.#lists;
    const head = this.#heads[channel]!;
    let place = this.#tails[channel]!;
    // Almost always at the end, or a few before it.
    while (place > head && this.first[lists[base + place - 1]!]! > first) place--;
    if (place > head) {
      const before = lists[base + place - 1]!;
      if (this.first[before] === first && this.count[before]! >= count) return ReorderPut.known;
    }
    if (this.used === this.slots || end - at > this.slotBytes) return ReorderPut.full;
    const slot = this.#free[this.slots - ++this.used]!;
    if (this.used > this.usedMax) this.usedMax = this.used;
    this.first[slot] = first;
    this.count[slot] = count;
    this.cameNs[slot] = nowNs;
    bytes.copy(this.bytes, slot * this.slotBytes, at, end);
    lists.copyWithin(base + place + 1, base + place, base + this.#tails[channel]!);
    lists[base + place] = slot;
    this.#tails[channel]!++;
    return ReorderPut.kept;
  }

  /** Takes the channel's head out; its bytes stay readable until the next `put`. */
  drop(channel: number): void {
    const base = channel * 2 * this.slots;
    const head = this.#heads[channel]!;
    this.#free[this.slots - this.used--] = this.#lists[base + head]!;
    this.#heads[channel] = head + 1;
    if (head + 1 === this.#tails[channel]!) {
      this.#heads[channel] = 0;
      this.#tails[channel] = 0;
    } else if (head + 1 === this.slots) {
      // At most `slots` entries are left, so they fit before the middle.
      this.#lists.copyWithin(base, base + head + 1, base + this.#tails[channel]!);
      this.#tails[channel]! -= head + 1;
      this.#heads[channel] = 0;
    }
  }

  /** Forgets everything of a channel. */
  clear(channel: number): void {
    while (this.head(channel) >= 0) this.drop(channel);
  }
}
