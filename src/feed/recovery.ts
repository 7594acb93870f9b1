/** How a feed deals with what is missing. All bounds are per feed unless it says otherwise. */
export interface RecoveryOptions {
  /** Redundant lines that carry the same messages; answers to requests come by line `lines`. */
  lines: number;
  /** How long a gap waits for reordered datagrams and the other line; 0: not at all. */
  holdNs: number;
  /** ... and for how many datagrams of its channel. */
  holdDatagrams: number;
  /** Datagrams that can be kept, and the most bytes of each. */
  reorderDatagrams: number;
  reorderBytes: number;
  /** Unanswered requests for one gap at most; 0: there is nobody to ask. */
  requests: number;
  /** How long the answer to the first request may take; each next one twice as long. */
  requestTimeoutNs: number;
  /** Messages to ask for at once, and the largest gap that is asked for at all. */
  requestMessages: number;
  requestGapMessages: number;
  /** After this long a gap is given up, whatever was asked for. */
  giveUpNs: number;
  /** Ended gaps that are remembered. */
  gapRecords: number;
}

/** What the arbiter needs of the format. */
export interface ArbiterSink {
  /**
   * Applies `count` messages from `at` on, the first `skip` of them passed over; their framing was
   * checked when they came. False when a message was unusable.
   */
  apply(bytes: Buffer, at: number, count: number, skip: number, channel: number): boolean;
  /** The channel begins anew: forget its books. */
  begin(channel: number): void;
  /** Messages of the channel are lost; true when its books were forgotten for that. */
  lose(channel: number): boolean;
}
