/**
 * Notes between the datagrams of a recording: what the feed thread took from elsewhere, and when.
 *
 * The feed core is a function of what it is called with. Datagrams are only a part of that: time, the
 * operator's holds, the words that it found in the decision table and the outcomes of questions come
 * from outside as well. With all of them in the order in which the feed thread took them, a replay
 * goes through the same steps, and a late, held, pending or failed decision comes out again.
 *
 * A recording is a sequence of steps, and each step is followed by details of what it came upon. A
 * datagram is a step without a note of its own. A turn of the loop is noted only when it did
 * something. Every note has the time at which it was made, in ns since the run's base.
 *
 * Words are u32, little-endian: [kind, …]. Texts are UTF-8 behind the kind.
 */
export const Note = {
  /** Step. A life of the feed thread begins. */
  begin: 1,
  /** Step. A turn of the loop: [idle (0 or 1), place of the sweep over pending states]. */
  turn: 2,
  /** Step. Another configuration was taken over: JSON of `RunDescription.config`. */
  change: 3,
  /** Step. The last words. */
  stop: 4,
  /** Step. Something of a snapshot server: [feed, `SnapshotStep`, bytes…]. */
  snapshot: 5,
  /** Step. Where a file begins, for who has none before it: JSON of `Standing`. */
  standing: 6,
  /** Step. Records are missing here: [how many]. */
  lost: 7,

  /** The step's datagram was decided upon so late that it was too old. */
  late: 16,
  /** What the operator holds now: JSON of `HeldNow`. */
  held: 17,
  /** The table's version: [generation, low half, high half]. */
  version: 18,
  /** A look found another word in the table than the one before: [look of the step, word, decided at (epoch s), key…]. */
  word: 19,
  /** An answer was taken: [outcome, reason, key…]. */
  answer: 20,
  /** A channel was found silent: [feed, channel]. */
  silence: 21,
} as const;
export type Note = (typeof Note)[keyof typeof Note];

export const isStep = (kind: number): boolean => kind < Note.late;

export const SnapshotStep = { open: 0, data: 1, turn: 2, closed: 3, refused: 4 } as const;
export type SnapshotStep = (typeof SnapshotStep)[keyof typeof SnapshotStep];

export interface HeldNow {
  all: boolean;
  symbols: string[];
}

/** What holds at the beginning of a file. */
export interface Standing {
  config: unknown;
  held: HeldNow;
  /** Generation, low half, high half. */
  version: readonly [number, number, number];
}

/** One note, as it was read. `words` are those behind the kind. */
export interface ReadNote {
  kind: number;
  timeNs: number;
  bytes: Buffer;
}

export function wordAt({ bytes }: ReadNote, index: number): number {
  return bytes.readUInt32LE(4 + index * 4);
}

/** The words from `index` on. */
export function wordsFrom(note: ReadNote, index: number): Uint32Array {
  const count = Math.floor(note.bytes.length / 4) - 1 - index;
  return Uint32Array.from({ length: Math.max(0, count) }, (_, at) => wordAt(note, index + at));
}

export function textOf({ bytes }: ReadNote): string {
  return bytes.toString("utf8", 4);
}
