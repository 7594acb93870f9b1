/**
 * What outlives a run: the answers that the database has, and what it is to be told. Reading is the
 * second level of the cache; writing goes through the outbox to ops.
 */
import { Origin } from "../decision/answer-word.ts";
import type { Candidate } from "./candidate.ts";
import type { StoredDecision } from "./l2.ts";
import type { Host } from "./host.ts";
import { labels } from "./label.ts";
import type { DecisionRow } from "../store/schema.ts";
import { Outbox } from "./outbox.ts";
import type { InferenceOptions } from "./port.ts";
import type { StateText } from "./state-text.ts";
import type { UseReporter } from "./use.ts";
import type { Verdict } from "./verdict.ts";
import { versionOf, type DecisionVersion } from "./version.ts";

export class Archive {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  /** What the buckets of a key mean, as the version rows have it. */
  readonly #space: string;
  readonly #outbox: Outbox;
  readonly #key: Uint32Array;
  /** Answers whose host has not shown its model's digest since. Bounded by `outboxMax`. */
  #unproven: { host: Host; check: number; row: DecisionRow }[] = [];

  constructor(options: InferenceOptions, text: StateText) {
    const { space, limits, deliver, meter } = options;
    this.#options = options;
    this.#text = text;
    const nothing = { digest: "", request: "", prompt: "", reading: null };
    this.#space = versionOf({ ...nothing, space: space.fingerprint }).text;
    this.#outbox = new Outbox(limits.outboxMax, deliver, (n) =>
      meter.count("decisionRingDrops", n),
    );
    this.#key = new Uint32Array(space.keyWords);
  }

  /** Fills the idle plane with what the database has, most used first; returns how many. */
  fill(version: string, uses: UseReporter): number {
    const { secondLevel, table, space, clock, limits, meter } = this.#options;
    if (secondLevel === null) return 0;
    const notBeforeS = limits.maxStaleS === 0 ? 0 : clock.epochS() - limits.maxStaleS;
    const key = this.#key;
    let filled = 0;
    try {
      secondLevel.each(version, notBeforeS, table.spec.capacity, (stored) => {
        if (!this.#text.parse(stored.state, key)) return;
        const index = space.finite ? space.index(key) : 0;
        // The most used came first: a full set keeps them, and the rest is found on a miss.
        if (!table.hasShadowRoom(key, index)) return;
        const { decision } = stored;
        table.writeShadow(key, index, decision, stored.confidence, Origin.l2, stored.decidedAtS);
        uses.note(stored.state, key);
        filled++;
      });
    } catch (error) {
      meter.count("l2Errors");
      this.#options.notice(`kept answers could not be read: ${String(error)}`);
    }
    meter.count("promotions", filled);
    return filled;
  }

  /** An answer of the version, counted and timed as the second level's. */
  find(version: DecisionVersion, text: string): StoredDecision | null {
    const { secondLevel, meter, clock } = this.#options;
    if (secondLevel === null) return null;
    const startNs = clock.nowNs();
    const stored = this.stored(version.text, text);
    meter.record("l2", clock.nowNs() - startNs);
    meter.count(stored === null ? "l2Misses" : "l2Hits");
    return stored;
  }

  /** An answer that the database has, sound and not too old; null otherwise. */
  stored(version: string, state: string): StoredDecision | null {
    const { secondLevel, meter, clock, limits } = this.#options;
    if (secondLevel === null) return null;
    try {
      const stored = secondLevel.find(version, state);
      if (stored === null) return null;
      const isOld = limits.maxStaleS !== 0 && clock.epochS() - stored.decidedAtS > limits.maxStaleS;
      if (isOld) meter.count("expiredEntries");
      return isOld ? null : stored;
    } catch {
      meter.count("l2Errors");
      return null;
    }
  }

  /** States of this space that any version was asked about, most used first. */
  observed(): string[] {
    const { secondLevel, table, meter } = this.#options;
    try {
      return secondLevel?.observed(this.#space, table.spec.capacity) ?? [];
    } catch {
      meter.count("l2Errors");
      return [];
    }
  }

  /**
   * Keeps an answer, once the host has proved that it still has the model of this version: a model
   * can be replaced under its name at any time, and its answers must not be kept as the old one's.
   */
  keep({ text: version }: DecisionVersion, state: string, verdict: Verdict, host: Host): void {
    const { clock, limits, meter } = this.#options;
    const { decision, confidence, probabilities, outside } = verdict;
    const [BUY, SELL, HOLD] = probabilities?.map(rounded) ?? [];
    const decidedAtMs = clock.epochS() * 1000;
    const answers = { BUY, SELL, HOLD, outside: rounded(outside) };
    const row: DecisionRow = {
      version,
      state,
      decision: labels[decision - 1]!,
      confidence: rounded(confidence),
      probabilities: probabilities === null ? null : JSON.stringify(answers),
      decidedAtMs,
      uses: 0,
      lastUsedMs: decidedAtMs,
    };
    if (this.#unproven.length >= limits.outboxMax) {
      meter.count("decisionRingDrops");
      return;
    }
    this.#unproven.push({ host, check: host.checks, row });
  }

  /** Answers that came before the host's check `check` began are its model's own. */
  proven(host: Host, check: number): void {
    const nowMs = this.#options.clock.nowMs();
    this.#unproven = this.#unproven.filter((entry) => {
      if (entry.host !== host || entry.check >= check) return true;
      this.#outbox.decision(entry.row, nowMs);
      return false;
    });
  }

  /** Answers since the last proof may be another model's. */
  disproven(host: Host): void {
    this.#unproven = this.#unproven.filter((entry) => entry.host !== host);
  }

  /** Answers that are not proven yet. */
  get unproven(): number {
    return this.#unproven.length;
  }

  /** What the version stands for, so that it can be looked up later. */
  introduce({ digest, method, plan }: Candidate, { text: version }: DecisionVersion): void {
    const { clock } = this.#options;
    const createdMs = clock.epochS() * 1000;
    const detail = JSON.stringify({
      space: this.#space,
      mode: method.mode,
      request: method.request.text,
      prompt: method.prompt.fixed,
      calibration: plan.calibration,
      marginMin: plan.marginMin,
      labelMassMin: plan.labelMassMin,
    });
    const { model } = plan.request;
    this.#outbox.version(
      { version, model, digest, createdMs, lastUsedMs: createdMs, detail },
      clock.nowMs(),
    );
  }

  /** The state was looked up so often since this was last said. */
  used({ text: version }: DecisionVersion, state: string, uses: number): void {
    const { clock } = this.#options;
    const lastUsedMs = clock.epochS() * 1000;
    this.#outbox.uses({ version, state, uses, lastUsedMs }, clock.nowMs());
  }

  poll(nowMs: number): void {
    this.#outbox.poll(nowMs);
  }

  flush(): void {
    this.#outbox.flush();
  }
}

/** As many digits as the table in memory keeps, and no binary fraction's tail in the database. */
const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
