/**
 * The last decision of each symbol, kept by the symbol's words so that looking costs no string: the
 * ring brings up to hundreds of thousands of signals a second, and few of them change anything.
 */
import { Field } from "../decision/signal.ts";

const symbolWords = 4;

export class LastDecision {
  readonly #symbolsMax: number;
  readonly #mask: number;
  readonly #symbols: Uint32Array;
  /** Decision and source, as the record has them; 0 where the slot is free, for decisions begin at 1. */
  readonly #decided: Uint16Array;
  size = 0;

  /** Room for `symbolsMax` symbols: one more begins all anew. */
  constructor(symbolsMax: number) {
    this.#symbolsMax = symbolsMax;
    // At most half full, so that a search is short.
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, symbolsMax) * 2));
    this.#mask = slots - 1;
    this.#symbols = new Uint32Array(slots * symbolWords);
    this.#decided = new Uint16Array(slots);
  }

  /** Takes a record's decision and source; whether they differ from the symbol's last ones. */
  take(record: Uint32Array): boolean {
    const decided = (record[Field.feedDecisionSource] as number) >>> 16;
    let slot = this.#find(record);
    if (this.#decided[slot] === decided) return false;
    if (this.#decided[slot] === 0) {
      if (this.size >= this.#symbolsMax) {
        this.#decided.fill(0);
        this.size = 0;
        slot = this.#find(record);
      }
      this.size++;
      for (let word = 0; word < symbolWords; word++) {
        this.#symbols[slot * symbolWords + word] = record[Field.symbol + word] as number;
      }
    }
    this.#decided[slot] = decided;
    return true;
  }

  /** The symbol's slot, or the free one where it belongs. */
  #find(record: Uint32Array): number {
    const first = record[Field.symbol] as number;
    const second = record[Field.symbol + 1] as number;
    const third = record[Field.symbol + 2] as number;
    const fourth = record[Field.symbol + 3] as number;
    let hash = Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0xc2b2ae35);
    hash = Math.imul(hash ^ third ^ Math.imul(fourth, 0x27d4eb2f) ^ (hash >>> 15), 0x9e3779b1);
    const symbols = this.#symbols;
    for (let slot = (hash >>> 7) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (this.#decided[slot] === 0) return slot;
      const at = slot * symbolWords;
      if (
        symbols[at] === first &&
        symbols[at + 1] === second &&
        symbols[at + 2] === third &&
        symbols[at + 3] === fourth
      ) {
        return slot;
      }
    }
  }
}
