/**
 * L1, the decision table in shared memory: state → decision, in one look-up and without a lock.
 *
 * The inference thread is its only writer, the feed thread its reader. Two forms stand behind the
 * same calls: `dense` (one word for each state of a finite space) and `associative` (a fixed number
 * of 8-way sets over the key's words, for a space that is not finite).
 *
 * A word whose generation is not the table's is a miss: a new model, prompt or context makes every
 * old answer vanish at once. There are two planes; a new version is filled into the idle plane while
 * the other still decides, and `activate` switches with one store.
 *
 * decidedAt (epoch s) is written before the word that it belongs to. Use counts are the reader's.
 */
import type { Origin } from "./answer-word.ts";
import { AssociativeTable } from "./associative-table.ts";
import { DenseTable } from "./dense-table.ts";
import type { Decision } from "./signal.ts";
import type { TableSpec } from "./table-plane.ts";

/** What the feed thread does with a table of either form. */
export interface DecisionReader {
  readonly spec: TableSpec;
  /**
   * The packed word of the state, or 0 on a miss; `index` is the state's index in a finite
   * space and unused otherwise. A hit sets `decidedAtS`, and the use is counted.
   */
  lookup(key: Uint32Array, index: number, nowS: number): number;
  /** Epoch seconds at which the answer that was found last was given: read together with it. */
  readonly decidedAtS: number;
  /** Generation that answers now; it changes when another version takes over. */
  generation(): number;
  /** Version (low, high halves) whose answers the active plane holds. */
  versionLo(): number;
  versionHi(): number;
  /** A look-up that counts no use; 0 when there is no answer, else sets `decidedAtS`. */
  peek(key: Uint32Array, index: number): number;
}

/** And the inference thread, its only writer. */
export interface DecisionTable extends DecisionReader {
  /** Stores an answer of the active version; evicts the least recently used way when full. */
  write(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void;
  /** The same, into the idle plane. */
  writeShadow(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void;
  /** Whether the idle plane can take the state without evicting another. */
  hasShadowRoom(key: Uint32Array, index: number): boolean;
  /** Empties the idle plane for another version. */
  clearShadow(): void;
  /** The idle plane takes over under a new generation; the old plane's answers are gone. */
  activate(versionLo: number, versionHi: number): void;
  /** The answer stands no longer (withdrawn, too old). */
  remove(key: Uint32Array, index: number): void;
  /** Uses of the state in the active plane since it was filled, for L2's order (mod 2^32). */
  uses(key: Uint32Array, index: number): number;
  /** Answers written, and answers that made room for them (mod 2^32). */
  promotions(): number;
  evictions(): number;
}

export function openTable(memory: SharedArrayBuffer, spec: TableSpec): DecisionTable {
  return spec.form === "dense" ? new DenseTable(memory, spec) : new AssociativeTable(memory, spec);
}
