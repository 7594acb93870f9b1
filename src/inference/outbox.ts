/**
 * What ops is to write: new decisions and use counts, gathered for a moment and handed over
 * together. Bounded: what ops does not take is dropped and counted, because a decision that is not
 * kept costs one question after a restart, and no more.
 */
import type { NewDecision, UseCount } from "./l2.ts";

export interface Delivery {
  decisions: readonly NewDecision[];
  uses: readonly UseCount[];
}

/** False when the receiver cannot take it now. */
export type Deliver = (delivery: Delivery) => boolean;

const entriesAtOnce = 256;
const gatherMs = 50;

export class Outbox {
  readonly #capacity: number;
  readonly #deliver: Deliver;
  readonly #dropped: (entries: number) => void;
  #decisions: NewDecision[] = [];
  #uses: UseCount[] = [];
  #sinceMs = 0;

  constructor(capacity: number, deliver: Deliver, dropped: (entries: number) => void) {
    this.#capacity = capacity;
    this.#deliver = deliver;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#decisions.length + this.#uses.length;
  }

  decision(entry: NewDecision, nowMs: number): void {
    if (this.#hasRoom(nowMs)) this.#decisions.push(entry);
  }

  uses(entry: UseCount, nowMs: number): void {
    if (this.#hasRoom(nowMs)) this.#uses.push(entry);
  }

  #hasRoom(nowMs: number): boolean {
    if (this.size === 0) this.#sinceMs = nowMs;
    if (this.size < this.#capacity) return true;
    this.#dropped(1);
    return false;
  }

  /** Hands over what has waited long enough, or is enough. */
  poll(nowMs: number): void {
    if (this.size >= entriesAtOnce || nowMs - this.#sinceMs >= gatherMs) this.flush();
  }

  flush(): void {
    if (this.size === 0) return;
    if (!this.#deliver({ decisions: this.#decisions, uses: this.#uses })) return;
    this.#decisions = [];
    this.#uses = [];
  }
}
