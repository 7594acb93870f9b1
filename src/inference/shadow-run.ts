/**
 * The candidate that is warmed in the shadow of the deciding one: its answers go into the table's
 * idle plane and into the history, and each is compared. It decides nothing until it takes over,
 * and then with every answer that it has.
 */
import { Origin, wordConfidence, wordDecision } from "../decision/answer-word.ts";
import type { Archive } from "./archive.ts";
import type { Candidate } from "./candidate.ts";
import type { TextState } from "./state-text.ts";
import type { InferenceOptions, InferenceReport } from "./port.ts";
import { Comparison, type Opinion } from "./shadow.ts";
import type { UseReporter } from "./use.ts";
import type { Verdict } from "./verdict.ts";
import type { DecisionVersion } from "./version.ts";
import type { Warmer } from "./warm.ts";
import type { WarmWhat } from "./warm-source.ts";

export type WarmerFor = (
  what: WarmWhat,
  isAnswered: (state: TextState) => boolean,
) => Warmer | null;

export class ShadowRun {
  readonly candidate: Candidate;
  /** Null until the version is known, and where there is nothing to warm. */
  warmer: Warmer | null = null;
  /** Answers in the table's idle plane. */
  answers = 0;
  /** Counts how often its answers are looked up, once it decides. */
  uses: UseReporter | null = null;
  readonly #options: InferenceOptions;
  readonly #archive: Archive;
  readonly #usesOf: (version: DecisionVersion) => UseReporter;
  /** The version that the idle plane holds; null when it holds something else. */
  #version: DecisionVersion | null = null;
  #comparison = new Comparison();

  constructor(
    candidate: Candidate,
    options: InferenceOptions,
    archive: Archive,
    usesOf: (version: DecisionVersion) => UseReporter,
  ) {
    this.candidate = candidate;
    this.#options = options;
    this.#archive = archive;
    this.#usesOf = usesOf;
  }

  /** Whether what is in the idle plane is the candidate's, as it is now. */
  get isWhole(): boolean {
    return this.#version !== null && this.#version.text === this.candidate.version?.text;
  }

  /** Somebody else has used the idle plane: the answers are gathered again. */
  evicted(): void {
    this.#version = null;
  }

  /** The version is known, or another one: what it has answered in earlier runs comes first. */
  begin(version: DecisionVersion, warmerFor: WarmerFor): void {
    const { space, limits, table } = this.#options;
    this.#version = version;
    this.#comparison = new Comparison();
    table.clearShadow();
    this.uses = this.#usesOf(version);
    this.answers = this.#archive.fill(version.text, this.uses);
    this.#archive.introduce(this.candidate, version);
    const what: WarmWhat = space.finite ? "all" : limits.warm === "off" ? "observed" : limits.warm;
    this.warmer = warmerFor(what, (state) => {
      const stored = this.#archive.stored(version.text, state.text);
      if (stored === null) return false;
      const { decision, confidence } = stored;
      this.#compare(state, { decision, confidence: confidence / 10_000 });
      return true;
    });
  }

  answered(state: TextState, verdict: Verdict, decidedAtS: number): void {
    const decision = verdict.decision as 1 | 2 | 3;
    const confidence = Math.round(verdict.confidence * 10_000);
    const { table } = this.#options;
    table.writeShadow(state.key, state.index, decision, confidence, Origin.model, decidedAtS);
    this.uses?.note(state.text, state.key);
    this.answers++;
    this.#compare(state, verdict);
  }

  /** Config may let it take over by itself, once it is warm and mostly agrees. */
  mayTakeOver(nowMs: number): boolean {
    const { takeOverAgreement } = this.#options.limits;
    if (takeOverAgreement === null || this.warmer?.progress(nowMs).finished !== true) return false;
    const { agreement } = this.#comparison.report();
    return agreement !== null && agreement >= takeOverAgreement;
  }

  report(nowMs: number): InferenceReport["shadow"] {
    if (this.warmer === null) return null;
    return {
      model: this.candidate.plan.request.model,
      version: this.#version?.text ?? "",
      hosts: this.candidate.reports(nowMs),
      warm: this.warmer.progress(nowMs),
      comparison: this.#comparison.report(),
    };
  }

  #compare(state: { key: Uint32Array; index: number }, opinion: Opinion): void {
    const word = this.#options.table.peek(state.key, state.index);
    if (word === 0) return;
    const active = { decision: wordDecision(word), confidence: wordConfidence(word) / 10_000 };
    this.#comparison.add(active, opinion);
  }
}
