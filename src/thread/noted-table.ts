import type { DecisionReader } from "../decision/table.ts";
import { hashKey, type TableSpec } from "../decision/table-plane.ts";
import type { NoteWriter } from "./note-writer.ts";

/** Places of a space that is not finite in which a last word is remembered; a power of two. */
const placesMax = 65_536;

/**
 * The reader's side of the decision table, which notes what it finds when that is not what it found
 * before. States of a space that is not finite may share a place: then more is noted than need be.
 */
export class NotedTable implements DecisionReader {
  readonly spec: TableSpec;
  /** As it was noted: the writer may have renewed it since. */
  decidedAtS = 0;
  readonly #table: DecisionReader;
  readonly #notes: NoteWriter;
  readonly #finite: boolean;
  /** Per place: the last word, when it was decided, the key's hash, and the file it is noted in. */
  readonly #word: Uint32Array;
  readonly #decidedAt: Uint32Array;
  readonly #hash: Uint32Array;
  readonly #epoch: Uint32Array;
  #generation = -1;
  #low = -1;
  #high = -1;

  constructor(table: DecisionReader, notes: NoteWriter) {
    this.spec = table.spec;
    this.#table = table;
    this.#notes = notes;
    this.#finite = table.spec.form === "dense";
    const places = this.#finite ? table.spec.capacity : placesMax;
    this.#word = new Uint32Array(places);
    this.#decidedAt = new Uint32Array(places);
    this.#hash = new Uint32Array(places);
    this.#epoch = new Uint32Array(places);
  }

  lookup(key: Uint32Array, index: number, nowS: number): number {
    const word = this.#table.lookup(key, index, nowS);
    this.#note(key, index, word);
    return word;
  }

  peek(key: Uint32Array, index: number): number {
    const word = this.#table.peek(key, index);
    this.#note(key, index, word);
    return word;
  }

  #note(key: Uint32Array, index: number, word: number): void {
    const decidedAtS = word === 0 ? 0 : this.#table.decidedAtS;
    const hash = this.#finite ? 0 : hashKey(key, this.spec.keyWords);
    const at = this.#finite ? index : hash & (placesMax - 1);
    const { epoch } = this.#notes;
    const known =
      this.#word[at] === word &&
      this.#decidedAt[at] === decidedAtS &&
      this.#hash[at] === hash &&
      (this.#epoch[at] === epoch || word === 0);
    if (!known) {
      this.#notes.word(word, decidedAtS, key);
      this.#word[at] = word;
      this.#decidedAt[at] = decidedAtS;
      this.#hash[at] = hash;
      this.#epoch[at] = epoch;
    }
    this.#notes.lookups++;
    this.decidedAtS = decidedAtS;
  }

  generation(): number {
    const generation = this.#table.generation();
    if (generation !== this.#generation) this.#noteVersion(generation);
    return generation;
  }

  versionLo(): number {
    const low = this.#table.versionLo();
    if (low !== this.#low) this.#noteVersion(this.#generation);
    return low;
  }

  versionHi(): number {
    const high = this.#table.versionHi();
    if (high !== this.#high) this.#noteVersion(this.#generation);
    return high;
  }

  #noteVersion(generation: number): void {
    this.#generation = generation;
    this.#low = this.#table.versionLo();
    this.#high = this.#table.versionHi();
    this.#notes.version(generation, this.#low, this.#high);
  }
}
