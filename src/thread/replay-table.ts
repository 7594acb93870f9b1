import type { AnswerSource } from "../decision/port.ts";
import type { PendingTable } from "../decision/pending.ts";
import type { DecisionReader } from "../decision/table.ts";
import type { TableSpec } from "../decision/table-plane.ts";
import { type ReadNote, wordAt, wordsFrom } from "./note.ts";

interface Found {
  word: number;
  decidedAtS: number;
}

const nothing: Found = { word: 0, decidedAtS: 0 };

/**
 * The decision table as the recorded run found it. Each note says at which look-up of its step which
 * word was found, so that what inference wrote between two look-ups of one datagram comes as it came.
 */
export class ReplayTable implements DecisionReader {
  readonly spec: TableSpec;
  readonly #found = new Map<string, Found>();
  #coming: { lookup: number; place: string; found: Found }[] = [];
  #lookups = 0;
  #last = nothing;
  #generation = 0;
  #low = 0;
  #high = 0;

  constructor(spec: TableSpec) {
    this.spec = spec;
  }

  beginStep(words: readonly ReadNote[]): void {
    for (const { place, found } of this.#coming) this.#found.set(place, found);
    this.#lookups = 0;
    this.#coming = words.map((note) => ({
      lookup: wordAt(note, 0),
      place: wordsFrom(note, 3).join(),
      found: { word: wordAt(note, 1), decidedAtS: wordAt(note, 2) },
    }));
  }

  setVersion(generation: number, low: number, high: number): void {
    this.#generation = generation;
    this.#low = low;
    this.#high = high;
  }

  lookup(key: Uint32Array, _index: number, _nowS: number): number {
    return this.#look(key);
  }

  peek(key: Uint32Array, _index: number): number {
    return this.#look(key);
  }

  #look(key: Uint32Array): number {
    while (this.#coming.length > 0 && this.#coming[0]!.lookup <= this.#lookups) {
      const { place, found } = this.#coming.shift()!;
      this.#found.set(place, found);
    }
    this.#lookups++;
    this.#last = this.#found.get(key.subarray(0, this.spec.keyWords).join()) ?? nothing;
    return this.#last.word;
  }

  get decidedAtS(): number {
    return this.#last.decidedAtS;
  }

  generation(): number {
    return this.#generation;
  }

  versionLo(): number {
    return this.#low;
  }

  versionHi(): number {
    return this.#high;
  }
}

/** What became of a question that the recorded run asked. */
export interface ReplayedAnswer {
  outcome: number;
  reason: number;
  key: Uint32Array;
  /** ms since the run's base at which the state was first missed. */
  askedMs: number;
}

/** The answers of the present turn, each for the slot in which its state waits in the replay. */
export class ReplayAnswers implements AnswerSource {
  readonly #pending: PendingTable;
  readonly #taken: (answer: ReplayedAnswer) => void;
  #coming: ReadNote[] = [];

  constructor(pending: PendingTable, taken: (answer: ReplayedAnswer) => void) {
    this.#pending = pending;
    this.#taken = taken;
  }

  beginStep(answers: readonly ReadNote[]): void {
    this.#coming = [...answers];
  }

  shift(target: Uint32Array, at: number): boolean {
    const pending = this.#pending;
    for (let note = this.#coming.shift(); note !== undefined; note = this.#coming.shift()) {
      const key = wordsFrom(note, 2);
      const slot = pending.find(key);
      if (slot < 0) continue;
      const [outcome, reason] = [wordAt(note, 0), wordAt(note, 1)];
      target.set([slot, pending.version(slot), outcome, reason], at);
      this.#taken({ outcome, reason, key, askedMs: pending.firstSeenMs(slot) });
      return true;
    }
    return false;
  }
}
