/**
 * Warming goes on in the slots that live questions leave idle: first for the candidate that decides,
 * then for the shadow, which is asked about the same states.
 */
import type { Archive } from "./archive.ts";
import type { WarmAsking } from "./asking.ts";
import type { Candidate } from "./candidate.ts";
import type { Deciding } from "./deciding.ts";
import type { Host } from "./host.ts";
import type { InferenceOptions } from "./port.ts";
import type { StateText, TextState } from "./state-text.ts";
import type { DecisionVersion } from "./version.ts";
import { Warmer, type WarmProgress } from "./warm.ts";
import { createWarmSource, type WarmWhat } from "./warm-source.ts";

/** Warming rests for so long after a question of it failed. */
const restMs = 1000;

/** What asks. */
export interface WarmAsker {
  /** Live questions that wait for a slot. */
  readonly queued: number;
  /** The deciding candidate is being asked about the state. */
  isAsking(text: string): boolean;
  askWarm(candidate: Candidate, host: Host, warm: WarmAsking, nowMs: number): void;
}

export class Warming {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  readonly #archive: Archive;
  readonly #deciding: Deciding;
  readonly #asker: WarmAsker;
  /** The version that `#warmer` is for. */
  #version: DecisionVersion | null = null;
  #warmer: Warmer | null = null;
  #said: Warmer | null = null;
  #afterMs = 0;

  constructor(
    options: InferenceOptions,
    text: StateText,
    archive: Archive,
    deciding: Deciding,
    asker: WarmAsker,
  ) {
    this.#options = options;
    this.#text = text;
    this.#archive = archive;
    this.#deciding = deciding;
    this.#asker = asker;
  }

  progress(nowMs: number): WarmProgress | null {
    return this.#warmer?.progress(nowMs) ?? null;
  }

  /** Asks about as many states as there are idle slots. */
  fill(nowMs: number): void {
    this.#follow();
    if (nowMs < this.#afterMs) return;
    this.#fillDeciding(nowMs);
    this.#fillShadow(nowMs);
  }

  /** Another version is warmed from the beginning, past the answers that it has. */
  #follow(): void {
    const { version } = this.#deciding;
    if (version === this.#version) return;
    this.#version = version;
    this.#warmer = this.#warmerFor(this.#options.limits.warm, ({ key, index }) =>
      this.#deciding.isAnswered(key, index),
    );
  }

  #warmerFor(what: WarmWhat, isAnswered: (state: TextState) => boolean): Warmer | null {
    const { space } = this.#options;
    const source = createWarmSource(what, space, this.#text, () => this.#archive.observed());
    return source === null ? null : new Warmer(source, isAnswered);
  }

  /** None while a live question waits, and one is left free where there are two. */
  #idleSlots(): number {
    if (this.#asker.queued > 0) return 0;
    const { candidate, shadow } = this.#deciding;
    const free = candidate.freeLanes - (shadow?.candidate.inFlight ?? 0);
    const all = candidate.freeLanes + candidate.inFlight;
    return all > 1 ? free - 1 : free;
  }

  #fillDeciding(nowMs: number): void {
    const warmer = this.#warmer;
    if (warmer === null) return;
    const { candidate } = this.#deciding;
    for (let slots = this.#idleSlots(); slots > 0; slots--) {
      const host = candidate.pick(nowMs);
      const state = host === null ? null : warmer.next(nowMs);
      if (host === null || state === null) return;
      if (this.#asker.isAsking(state.text)) {
        warmer.release(state);
        return;
      }
      if (this.#deciding.promote(state)) warmer.settle(state, true);
      else this.#asker.askWarm(candidate, host, { warmer, state }, nowMs);
    }
  }

  /** The shadow is asked about the states that have an answer, when nothing else is to be asked. */
  #fillShadow(nowMs: number): void {
    const { shadow } = this.#deciding;
    if (shadow === null || shadow.candidate.version === null) return;
    const { candidate } = shadow;
    if (!shadow.isWhole) {
      shadow.begin(candidate.version!, (what, isAnswered) => this.#warmerFor(what, isAnswered));
    }
    const { warmer } = shadow;
    if (warmer === null || this.#warmer?.progress(nowMs).finished === false) return;
    for (let slots = this.#idleSlots(); slots > 0; slots--) {
      const host = candidate.pick(nowMs);
      const state = host === null ? null : warmer.next(nowMs);
      if (host === null || state === null) return;
      this.#asker.askWarm(candidate, host, { warmer, state }, nowMs);
    }
  }

  /** How a question of warming came out. */
  settle({ warmer, state }: WarmAsking, ok: boolean): void {
    const { meter, clock } = this.#options;
    warmer.settle(state, ok);
    meter.count(ok ? "warmed" : "warmFailed");
    if (!ok) this.#afterMs = clock.nowMs() + restMs;
  }

  /** Says once that all states have been asked about. */
  say(nowMs: number): void {
    const progress = this.progress(nowMs);
    if (progress?.finished !== true || this.#said === this.#warmer) return;
    this.#said = this.#warmer;
    const { done, total, failed } = progress;
    const failures = failed === 0 ? "" : `, ${failed} failed`;
    this.#options.notice(`warm: ${done} of ${total} states have an answer${failures}`);
  }
}
