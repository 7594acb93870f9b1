import { GapEnd } from "./gap.ts";

/**
 * Where each channel stands. `replacing`: a snapshot is being read, so everything is kept and
 * nothing applied.
 */
export const Phase = { whole: 0, holding: 1, requesting: 2, replacing: 3 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Whether answers to requests have filled part of the gap, and some since the last request. */
const Answer = { none: 0, some: 1, fresh: 2 } as const;

/** The present gap of each channel: what is missing, since when, and for what it waits until when. */
export class GapState {
  /** Channels that are not whole. */
  open = 0;
  /** The first deadline of all channels; Infinity when none waits. */
  deadlineNs = Number.POSITIVE_INFINITY;
  /** Whose deadline that is; -1 when none waits. */
  dueChannel = -1;
  readonly phase: Uint8Array;
  /** Messages [from, to) were missing when the gap was seen; what of it has come is not noted here. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly seenNs: Float64Array;
  /** Datagrams kept since it was seen, and requests since anything was answered. */
  readonly kept: Uint32Array;
  readonly requests: Uint32Array;
  /** The highest next sequence that anything held back told of, and when. */
  readonly announced: Float64Array;
  readonly announcedNs: Float64Array;
  readonly #dueNs: Float64Array;
  readonly #requestDue: Uint8Array;
  readonly #answered: Uint8Array;

  constructor(channels: number) {
    this.phase = new Uint8Array(channels);
    this.from = new Float64Array(channels);
    this.to = new Float64Array(channels);
    this.seenNs = new Float64Array(channels);
    this.kept = new Uint32Array(channels);
    this.requests = new Uint32Array(channels);
    this.announced = new Float64Array(channels);
    this.announcedNs = new Float64Array(channels);
    this.#dueNs = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#requestDue = new Uint8Array(channels);
    this.#answered = new Uint8Array(channels);
  }

  /** A gap [from, to), to wait until `dueNs`, whether or not the channel had another one just now. */
  begin(channel: number, from: number, to: number, seenNs: number, dueNs: number): void {
    if (this.phase[channel] === Phase.whole) this.open++;
    this.phase[channel] = Phase.holding;
    this.from[channel] = from;
    this.to[channel] = to;
    this.seenNs[channel] = seenNs;
    this.kept[channel] = 0;
    this.requests[channel] = 0;
    this.#answered[channel] = Answer.none;
    this.#requestDue[channel] = 0;
    this.#due(channel, dueNs);
  }

  /** The channel waits for a snapshot instead, and for no time of this clock. */
  replace(channel: number): void {
    if (this.phase[channel] === Phase.whole) this.open++;
    this.phase[channel] = Phase.replacing;
    this.#requestDue[channel] = 0;
    this.#due(channel, Number.POSITIVE_INFINITY);
  }

  close(channel: number): void {
    this.phase[channel] = Phase.whole;
    this.#requestDue[channel] = 0;
    this.open--;
    this.#due(channel, Number.POSITIVE_INFINITY);
  }

  /** Something told that `next` is the next sequence. */
  announce(channel: number, next: number, nowNs: number): void {
    if (next <= this.announced[channel]!) return;
    this.announced[channel] = next;
    this.announcedNs[channel] = nowNs;
  }

  /** Whether the channel waits for messages to come or to be sent again. */
  waits(channel: number): boolean {
    const phase = this.phase[channel];
    return phase === Phase.holding || phase === Phase.requesting;
  }

  isWhole(channel: number): boolean {
    return this.phase[channel] === Phase.whole;
  }

  /** A request is to be sent, and its answer may take until `dueNs`. */
  request(channel: number, dueNs: number): void {
    this.phase[channel] = Phase.requesting;
    this.requests[channel]!++;
    this.#requestDue[channel] = 1;
    this.#due(channel, dueNs);
  }

  /** A channel of which a request is due, which it then is no more; -1 when there is none. */
  takeRequest(channels: number): number {
    for (let channel = 0; this.open > 0 && channel < channels; channel++) {
      if (this.#requestDue[channel] === 0) continue;
      this.#requestDue[channel] = 0;
      return channel;
    }
    return -1;
  }

  /** An answer brought something new. */
  answer(channel: number): void {
    this.#answered[channel] = Answer.some | Answer.fresh;
  }

  /** Whether an answer has come since the last request, so that the rest may be asked for anew. */
  takeAnswer(channel: number): boolean {
    if (this.phase[channel] !== Phase.requesting) return false;
    if ((this.#answered[channel]! & Answer.fresh) === 0) return false;
    this.#answered[channel] = Answer.some;
    this.requests[channel] = 0;
    return true;
  }

  filledBy(channel: number): GapEnd {
    return this.#answered[channel] === Answer.none ? GapEnd.line : GapEnd.retransmission;
  }

  #due(channel: number, dueNs: number): void {
    this.#dueNs[channel] = dueNs;
    this.deadlineNs = Number.POSITIVE_INFINITY;
    this.dueChannel = -1;
    for (let i = 0; i < this.#dueNs.length; i++) {
      if (this.#dueNs[i]! >= this.deadlineNs) continue;
      this.deadlineNs = this.#dueNs[i]!;
      this.dueChannel = i;
    }
  }
}
