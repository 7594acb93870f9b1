/**
 * How often each state was looked up: counted by the feed in the table, gathered here a few states
 * at a time, and handed to ops, so that the next run fills its table with the most used first.
 */
import type { DecisionTable } from "../decision/table.ts";
import type { StateText } from "./state-text.ts";

export interface UseSpace {
  finite: boolean;
  size: number;
  keyWords: number;
  keyOf(index: number, out: Uint32Array): void;
}

const everyMs = 30_000;
const statesAtOnce = 512;

export class UseReporter {
  readonly #space: UseSpace;
  readonly #table: DecisionTable;
  readonly #text: StateText;
  readonly #tell: (state: string, uses: number) => void;
  /** Uses already told, by index of a finite space. */
  readonly #told: Uint32Array;
  /** States of a space that is not finite, in the order of their writing; bounded by the table. */
  readonly #known = new Map<string, { key: Uint32Array; told: number }>();
  #walk: Iterator<[string, { key: Uint32Array; told: number }]> | null = null;
  #place = 0;
  #nextMs = -1;

  constructor(
    space: UseSpace,
    table: DecisionTable,
    text: StateText,
    tell: (state: string, uses: number) => void,
  ) {
    this.#space = space;
    this.#table = table;
    this.#text = text;
    this.#tell = tell;
    this.#told = new Uint32Array(space.finite ? space.size : 0);
  }

  /** An answer about the state was written. */
  note(text: string, key: Uint32Array): void {
    if (this.#space.finite || this.#known.has(text)) return;
    if (this.#known.size >= this.#table.spec.capacity) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(text, { key: key.slice(), told: 0 });
  }

  poll(nowMs: number): void {
    if (this.#nextMs < 0) this.#nextMs = nowMs + everyMs;
    if (nowMs < this.#nextMs) return;
    if (this.#some(statesAtOnce)) this.#nextMs = nowMs + everyMs;
  }

  /** All of it, at the end of a version or a run. */
  report(): void {
    this.#place = 0;
    this.#walk = null;
    this.#some(Infinity);
  }

  /** True when the round is complete. */
  #some(limit: number): boolean {
    return this.#space.finite ? this.#someFinite(limit) : this.#someKnown(limit);
  }

  #someFinite(limit: number): boolean {
    const { size, keyWords } = this.#space;
    const key = new Uint32Array(keyWords);
    const end = Math.min(size, this.#place + limit);
    for (; this.#place < end; this.#place++) {
      const uses = this.#table.uses(key, this.#place);
      const more = (uses - this.#told[this.#place]!) >>> 0;
      if (more === 0) continue;
      this.#told[this.#place] = uses;
      this.#space.keyOf(this.#place, key);
      const text = this.#text.of(key);
      if (text !== null) this.#tell(text, more);
    }
    if (this.#place < size) return false;
    this.#place = 0;
    return true;
  }

  #someKnown(limit: number): boolean {
    this.#walk ??= this.#known.entries();
    for (let i = 0; i < limit; i++) {
      const step = this.#walk.next();
      if (step.done === true) {
        this.#walk = null;
        return true;
      }
      const [text, known] = step.value;
      const uses = this.#table.uses(known.key, 0);
      // An entry that was evicted and came back counts from 0 again.
      const more = uses >= known.told ? uses - known.told : uses;
      known.told = uses;
      if (more > 0) this.#tell(text, more);
    }
    return false;
  }
}
