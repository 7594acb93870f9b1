/**
 * The rules in the model's place: the same table, the same waiting states, no server.
 *
 * A finite space is decided whole before it answers, a few thousand states in a millisecond or two,
 * so there is never a miss; any other space is answered state by state.
 */
import { Outcome } from "../decision/pending-slot.ts";
import { Reason } from "../decision/signal.ts";
import { Origin } from "../decision/answer-word.ts";
import { type DecisionTable } from "../decision/table.ts";
import type { InferenceClock, InferenceSpace, Waiting } from "./port.ts";
import type { Meter } from "./meter.ts";
import { createRules, rulesRevision, type RulesDecision, type RulesSpace } from "./rules.ts";
import { versionOf, type DecisionVersion } from "./version.ts";

export interface RulesOptions {
  space: InferenceSpace & RulesSpace;
  table: DecisionTable;
  waiting: Waiting;
  answer(slot: number, version: number, outcome: number, reason: number): boolean;
  clock: InferenceClock;
  meter: Meter;
}

export interface RulesReport {
  engine: "rules";
  version: string;
}

/** States decided in one poll before the table answers: well below a millisecond. */
const statesAtOnce = 4096;

export class RulesInference {
  readonly version: DecisionVersion;
  readonly #options: RulesOptions;
  readonly #decide: (key: Uint32Array) => RulesDecision;
  readonly #key: Uint32Array;
  /** Version of each pending slot that was answered; 0 for none. */
  readonly #seen: Uint32Array;
  #filled = 0;
  #isActive = false;

  constructor(options: RulesOptions) {
    this.#options = options;
    this.#decide = createRules(options.space);
    this.#key = new Uint32Array(options.space.keyWords);
    this.#seen = new Uint32Array(options.waiting.capacity);
    this.version = versionOf({
      digest: rulesRevision,
      request: "",
      prompt: "",
      space: options.space.fingerprint,
      reading: null,
    });
    options.table.clearShadow();
  }

  get isReady(): boolean {
    return this.#isActive;
  }

  report(): RulesReport {
    return { engine: "rules", version: this.version.text };
  }

  poll(): void {
    if (!this.#isActive) this.#fill();
    if (this.#isActive) this.#scan();
  }

  /** Nothing is under way between two polls. */
  close(): void {}

  #fill(): void {
    const { space, table, clock, meter } = this.#options;
    const end = space.finite ? Math.min(space.size, this.#filled + statesAtOnce) : 0;
    const key = this.#key;
    const nowS = clock.epochS();
    for (; this.#filled < end; this.#filled++) {
      space.keyOf(this.#filled, key);
      const { decision, confidence } = this.#decide(key);
      const scaled = Math.round(confidence * 10_000);
      table.writeShadow(key, this.#filled, decision as 1 | 2 | 3, scaled, Origin.rules, nowS);
    }
    if (space.finite && this.#filled < space.size) return;
    meter.count("rulesDecisions", this.#filled);
    meter.count("generations");
    table.activate(this.version.lo, this.version.hi);
    this.#isActive = true;
  }

  #scan(): void {
    const { waiting } = this.#options;
    for (let slot = 0; slot < waiting.capacity; slot++) {
      const version = waiting.version(slot);
      if (version === this.#seen[slot]) continue;
      if (version === 0 || this.#answer(slot, version)) this.#seen[slot] = version;
    }
  }

  /** False when the ring is full: the slot is looked at again. */
  #answer(slot: number, version: number): boolean {
    const { waiting, table, clock, meter } = this.#options;
    if (!waiting.readKey(slot, version, this.#key)) return true;
    const { decision, confidence } = this.#decide(this.#key);
    const scaled = Math.round(confidence * 10_000);
    const index = waiting.index(slot);
    table.write(this.#key, index, decision as 1 | 2 | 3, scaled, Origin.rules, clock.epochS());
    meter.count("rulesDecisions");
    meter.count("tableWrites");
    const said = this.#options.answer(slot, version, Outcome.answered, Reason.none);
    if (!said) meter.count("answerRingFull");
    return said;
  }
}
