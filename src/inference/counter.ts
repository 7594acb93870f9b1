/**
 * The counter at which the feed's questions come in and are answered: the slots of the pending
 * table, each looked at once for each version, and a ring to say how it came out. What finds the
 * ring full is said at the next turn.
 */
import { Outcome } from "../decision/pending-slot.ts";
import { Reason as Why } from "../decision/signal.ts";
import type { Waiter } from "./asking.ts";
import type { Meter } from "./meter.ts";
import type { InferenceOptions, Waiting } from "./port.ts";

export class Counter {
  readonly #waiting: Waiting;
  readonly #answer: InferenceOptions["answer"];
  readonly #meter: Meter;
  /** Version of each pending slot that was dealt with; 0 for none. */
  readonly #seen: Uint32Array;
  /** Bounded by the number of pending slots. */
  #unsaid: [slot: number, version: number, outcome: number, reason: number][] = [];

  constructor({ waiting, answer, meter }: InferenceOptions) {
    this.#waiting = waiting;
    this.#answer = answer;
    this.#meter = meter;
    this.#seen = new Uint32Array(waiting.capacity);
  }

  /** Calls `admit` for each slot with a question that was not seen before. */
  scan(admit: (slot: number, version: number) => void): void {
    this.#saySomeMore();
    const { capacity } = this.#waiting;
    for (let slot = 0; slot < capacity; slot++) {
      const version = this.#waiting.version(slot);
      if (version === this.#seen[slot]) continue;
      this.#seen[slot] = version;
      if (version !== 0) admit(slot, version);
    }
  }

  /**
   * The question comes in again at the next scan, if it is still there. One that has taken its slot
   * since then, and was dealt with already, does not: it would be asked twice.
   */
  again({ slot, version }: Omit<Waiter, "sinceMs">): void {
    if (this.#seen[slot] === version) this.#seen[slot] = 0;
  }

  isCurrent({ slot, version }: { slot: number; version: number }): boolean {
    return this.#waiting.version(slot) === version;
  }

  answered(waiter: Omit<Waiter, "sinceMs">): void {
    this.#say(waiter.slot, waiter.version, Outcome.answered, Why.none);
  }

  failed(waiter: Omit<Waiter, "sinceMs">, why: number): void {
    this.#say(waiter.slot, waiter.version, Outcome.error, why);
  }

  timedOut(waiter: Omit<Waiter, "sinceMs">): void {
    this.#meter.error("timeout");
    this.#say(waiter.slot, waiter.version, Outcome.timeout, Why.deadline);
  }

  #say(slot: number, version: number, outcome: number, reason: number): void {
    if (slot < 0 || this.#answer(slot, version, outcome, reason)) return;
    this.#meter.count("answerRingFull");
    if (this.#unsaid.length >= this.#seen.length) this.#unsaid.shift();
    this.#unsaid.push([slot, version, outcome, reason]);
  }

  #saySomeMore(): void {
    if (this.#unsaid.length === 0) return;
    const unsaid = this.#unsaid;
    this.#unsaid = [];
    for (const words of unsaid) this.#say(...words);
  }
}
