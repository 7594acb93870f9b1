/**
 * The candidate that decides, its version, and its answers in the table. Another version of it, or
 * the shadow that is warmed beside it, takes over whole.
 */
import { Origin } from "../decision/answer-word.ts";
import type { Archive } from "./archive.ts";
import { Candidate, type CandidatePlan } from "./candidate.ts";
import type { Host } from "./host.ts";
import type { InferenceOptions } from "./port.ts";
import { ShadowRun } from "./shadow-run.ts";
import type { StateText, TextState } from "./state-text.ts";
import { UseReporter } from "./use.ts";
import type { Verdict } from "./verdict.ts";
import type { DecisionVersion } from "./version.ts";

export class Deciding {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  readonly #archive: Archive;
  #candidate: Candidate;
  #version: DecisionVersion | null = null;
  #uses: UseReporter | null = null;
  #shadow: ShadowRun | null = null;

  constructor(options: InferenceOptions, text: StateText, archive: Archive) {
    this.#options = options;
    this.#text = text;
    this.#archive = archive;
    this.#candidate = this.#create(options.candidate);
    if (options.shadow !== null) this.cast(options.shadow);
  }

  get candidate(): Candidate {
    return this.#candidate;
  }

  /** Whose answers the table has; null until a host has the model in memory. */
  get version(): DecisionVersion | null {
    return this.#version;
  }

  get shadow(): ShadowRun | null {
    return this.#shadow;
  }

  #create(plan: CandidatePlan): Candidate {
    const { fetch, clock, notice, meter } = this.#options;
    const count = meter.count.bind(meter);
    const events = {
      notice,
      count,
      proven: (host: Host, check: number) => this.#archive.proven(host, check),
      disproven: (host: Host) => this.#archive.disproven(host),
    };
    return new Candidate(plan, events, fetch, () => clock.nowNs());
  }

  tick(nowMs: number): void {
    this.#candidate.tick(nowMs);
    this.#shadow?.candidate.tick(nowMs);
  }

  /** Begins to warm another candidate beside the deciding one, in place of the one before. */
  cast(plan: CandidatePlan): void {
    this.#shadow?.candidate.close();
    const candidate = this.#create(plan);
    candidate.beside = this.#candidate;
    this.#candidate.beside = candidate;
    const usesOf = (version: DecisionVersion): UseReporter => this.#usesOf(version);
    this.#shadow = new ShadowRun(candidate, this.#options, this.#archive, usesOf);
  }

  /** The shadow takes over at once, with all its answers. False while there is none that is ready. */
  takeOver(): boolean {
    const shadow = this.#shadow;
    const version = shadow?.candidate.version ?? null;
    if (shadow === null || version === null) return false;
    this.#candidate.close();
    this.#candidate = shadow.candidate;
    this.#candidate.beside = null;
    this.#shadow = null;
    const { uses } = shadow;
    if (shadow.isWhole && uses !== null) this.#activate(version, shadow.answers, uses);
    this.follow();
    return true;
  }

  /** A version that is known for the first time, or another one: its answers, and no other. */
  follow(): void {
    const { version } = this.#candidate;
    if (version === null || version.text === this.#version?.text) return;
    this.#options.table.clearShadow();
    const uses = this.#usesOf(version);
    const filled = this.#archive.fill(version.text, uses);
    this.#activate(version, filled, uses);
    // The idle plane held the shadow's answers: they are gathered again, most of them from L2.
    this.#shadow?.evicted();
  }

  /** What is in the idle plane decides from now on. */
  #activate(version: DecisionVersion, filled: number, uses: UseReporter): void {
    const { table, meter, notice } = this.#options;
    this.#uses?.report();
    this.#version = version;
    table.activate(version.lo, version.hi);
    meter.count("generations");
    notice(`version ${version.text} decides; ${filled} of its answers were there already`);
    this.#uses = uses;
    this.#archive.introduce(this.#candidate, version);
  }

  #usesOf(version: DecisionVersion): UseReporter {
    const { space, table } = this.#options;
    return new UseReporter(space, table, this.#text, (state, uses) =>
      this.#archive.used(version, state, uses),
    );
  }

  pollUses(nowMs: number): void {
    this.#uses?.poll(nowMs);
  }

  /** The candidate neither decides any more nor is warmed. */
  isRetired(candidate: Candidate): boolean {
    return candidate !== this.#candidate && candidate !== this.#shadow?.candidate;
  }

  /** The table has an answer that is young enough: for a renewal, younger than the renewal's age. */
  isAnswered(key: Uint32Array, index: number, refresh = false): boolean {
    const { table, limits, clock } = this.#options;
    if (table.peek(key, index) === 0) return false;
    const limitS = refresh ? limits.maxAgeS : limits.maxStaleS;
    if (limitS === 0) return !refresh;
    return clock.epochS() - table.decidedAtS <= limitS;
  }

  /** Puts the second level's answer about the state into the table; false where it has none. */
  promote({ text, key, index }: TextState): boolean {
    const version = this.#version;
    const stored = version === null ? null : this.#archive.find(version, text);
    if (stored === null) return false;
    const { table, meter } = this.#options;
    const { decision, confidence, decidedAtS } = stored;
    table.write(key, index, decision, confidence, Origin.l2, decidedAtS);
    this.#uses?.note(text, key);
    meter.count("promotions");
    return true;
  }

  /** An answer of the deciding candidate. */
  write({ text, key, index }: TextState, verdict: Verdict, decidedAtS: number): void {
    const { table, meter } = this.#options;
    const decision = verdict.decision as 1 | 2 | 3;
    const confidence = Math.round(verdict.confidence * 10_000);
    table.write(key, index, decision, confidence, Origin.model, decidedAtS);
    this.#uses?.note(text, key);
    meter.count("tableWrites");
  }

  /** Cuts what is under way. */
  close(): void {
    this.#candidate.close();
    this.#shadow?.candidate.close();
    this.#uses?.report();
  }
}
