/**
 * What ops is to write: versions, new decisions and use counts, gathered for a moment and handed
 * over together. Bounded: what ops does not take is dropped and counted, because a decision that is
 * not kept costs one question after a restart, and no more.
 */
import type { DecisionUse } from "../store/batch.ts";
import type { DecisionRow, VersionRow } from "../store/schema.ts";

export interface Delivery {
  versions: VersionRow[];
  decisions: DecisionRow[];
  uses: DecisionUse[];
}

/** False when the receiver cannot take it now. */
export type Deliver = (delivery: Delivery) => boolean;

const entriesAtOnce = 256;
const gatherMs = 50;

function emptyDelivery(): Delivery {
  return { versions: [], decisions: [], uses: [] };
}

export class Outbox {
  readonly #capacity: number;
  readonly #deliver: Deliver;
  readonly #dropped: (entries: number) => void;
  #waiting = emptyDelivery();
  #sinceMs = 0;

  constructor(capacity: number, deliver: Deliver, dropped: (entries: number) => void) {
    this.#capacity = capacity;
    this.#deliver = deliver;
    this.#dropped = dropped;
  }

  get size(): number {
    const { versions, decisions, uses } = this.#waiting;
    return versions.length + decisions.length + uses.length;
  }

  version(row: VersionRow, nowMs: number): void {
    if (this.#hasRoom(nowMs)) this.#waiting.versions.push(row);
  }

  decision(row: DecisionRow, nowMs: number): void {
    if (this.#hasRoom(nowMs)) this.#waiting.decisions.push(row);
  }

  uses(entry: DecisionUse, nowMs: number): void {
    if (this.#hasRoom(nowMs)) this.#waiting.uses.push(entry);
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
    if (this.size > 0 && this.#deliver(this.#waiting)) this.#waiting = emptyDelivery();
  }
}
