/**
 * Pacing by what the receiver acknowledges (feed/ack.ts): at most `size` datagrams are under way. A
 * receiver that stays silent is not waited for without end: what is out is written off as lost and
 * counted, and after {@link strikesMax} silences in a row the window stands open (`silent`), so that
 * the sender goes on by a fixed rate and says so. The next acknowledgement closes it again.
 */
export const strikesMax = 3;

/**
 * A datagram occupies more of a receive buffer than its bytes: on Linux the buffer that the allocator
 * rounds up to, with headers and bookkeeping, and the packet's own descriptor.
 */
export function occupiedBytes(length: number): number {
  let buffer = 512;
  while (buffer < length + 400) buffer *= 2;
  return buffer + 256;
}

/** Room for the datagrams that one step may add beyond a full window (held back ones, at the end). */
const overshootMax = 4096;

export class AckWindow {
  /** The most datagrams under way. */
  readonly size: number;
  /** The most bytes of the receiver's buffer that they may occupy; one datagram may always go. */
  readonly bytesMax: number;
  readonly timeoutNs: number;
  sent = 0;
  /** What the receiver has acknowledged in all. */
  acknowledged = 0;
  silences = 0;
  #writtenOff = 0;
  #strikes = 0;
  #waitingSinceNs = Number.NaN;

  /** Bytes occupied by everything sent, and, per datagram under way, that sum before it. */
  #occupied = 0;
  readonly #occupiedBefore: Float64Array;

  constructor(size: number, bytesMax: number, timeoutNs: number) {
    this.size = size;
    this.bytesMax = bytesMax;
    this.timeoutNs = timeoutNs;
    this.#occupiedBefore = new Float64Array(size + overshootMax);
  }

  sentOne(length: number): void {
    this.#occupiedBefore[this.sent % this.#occupiedBefore.length] = this.#occupied;
    this.#occupied += occupiedBytes(length);
    this.sent += 1;
  }

  get underWay(): number {
    return this.sent - this.acknowledged - this.#writtenOff;
  }

  /** True when the receiver has not answered for so long that it is no longer waited for. */
  get silent(): boolean {
    return this.#strikes >= strikesMax;
  }

  /** True when another datagram may go. */
  get open(): boolean {
    const { underWay } = this;
    if (this.silent || underWay <= 0) return true;
    if (underWay >= this.size) return false;
    const oldest = (this.sent - underWay) % this.#occupiedBefore.length;
    return this.#occupied - (this.#occupiedBefore[oldest] as number) < this.bytesMax;
  }

  /** A count from the receiver; one that is old, or more than was sent, is not for us. */
  acknowledge(count: number): void {
    if (count > this.sent || count <= this.acknowledged) return;
    this.acknowledged = count;
    // What came late after all was not lost.
    this.#writtenOff = Math.min(this.#writtenOff, this.sent - count);
    this.#strikes = 0;
    this.#waitingSinceNs = Number.NaN;
  }

  /** To be called while waiting; true when the time is up and what is out was written off. */
  expired(nowNs: number): boolean {
    if (Number.isNaN(this.#waitingSinceNs)) this.#waitingSinceNs = nowNs;
    if (nowNs - this.#waitingSinceNs < this.timeoutNs) return false;
    this.#waitingSinceNs = Number.NaN;
    this.#writtenOff = this.sent - this.acknowledged;
    this.#strikes += 1;
    this.silences += 1;
    return true;
  }

  /** To be called when a wait ended without a time-out. */
  ready(): void {
    this.#waitingSinceNs = Number.NaN;
  }
}
