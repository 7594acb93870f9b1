/** What every kind of file becomes: a sequence of datagrams with the times to send them at. */

/** What `next()` found. `more`: call `fill()` and try again. */
export const Step = { datagram: 0, more: 1, end: 2 } as const;
export type Step = (typeof Step)[keyof typeof Step];

export interface DatagramSource {
  /** The present datagram is `bytes[offset, offset + length)`, valid until the next call. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** Time of the present datagram in ns after the first packet or message of the file. */
  readonly timeNs: number;
  /** Wall-clock ms since 1970 of time 0 (since midnight, where a file has no date), or NaN. */
  readonly originMs: number;
  /** Steps to the next datagram without waiting. Throws EdgeError CAPTURE_BROKEN. */
  next(): Step;
  /** Reads on after `next()` answered `more`. */
  fill(): Promise<void>;
  /** What cut the file short, in words, once `next()` answered `end`; undefined for a whole file. */
  readonly cut: string | undefined;
  /** Counts of what was seen and of what was left out, and why, in the order to show them. */
  counts(): Record<string, number>;
  /** Share of the file that has been read, 0 to 1, or NaN when its size is unknown. */
  progress(): number;
  /**
   * A sign of life that says which message comes next, where the framing is ours: one of the present
   * datagram, or, where that was `sent`, the first one behind it.
   */
  heartbeat?(sent: boolean): Uint8Array;
  /** The end of the session, which says the same. */
  endOfSession?(sent: boolean): Uint8Array;
  close(): Promise<void>;
}
