/**
 * The model behind the table: takes the states that wait, finds or asks for an answer, writes it
 * into the table and says so (asker.ts), for the candidate that decides (deciding.ts), and warms
 * states before anybody is in them (warming.ts).
 *
 * `poll` is called by the thread's loop and never waits; answers come in between.
 */
import { Archive } from "./archive.ts";
import { Asker } from "./asker.ts";
import type { CandidatePlan } from "./candidate.ts";
import { Deciding } from "./deciding.ts";
import type { InferenceOptions, InferenceReport } from "./port.ts";
import { createStateText } from "./state-text.ts";
import { Warming } from "./warming.ts";

const statusEveryMs = 250;

export class Inference {
  readonly #options: InferenceOptions;
  readonly #archive: Archive;
  readonly #deciding: Deciding;
  readonly #asker: Asker;
  readonly #warming: Warming;
  #statusAfterMs = 0;
  #evictions = 0;

  constructor(options: InferenceOptions) {
    this.#options = options;
    const { space, limits, meter, names, candidate } = options;
    const text = createStateText(space, names);
    const archive = new Archive(options, text);
    const deciding = new Deciding(options, text, archive);
    this.#archive = archive;
    this.#deciding = deciding;
    this.#asker = new Asker(options, text, archive, deciding, {
      warmed: (warm, ok) => this.#warming.settle(warm, ok),
      idle: (nowMs) => this.#warming.fill(nowMs),
    });
    this.#warming = new Warming(options, text, archive, deciding, this.#asker);
    meter.gauge("queueLimit", limits.queueMax);
    meter.gauge("hosts", candidate.hosts.length);
  }

  /** The loop's turn: bounded work, no waiting. */
  poll(): void {
    const nowMs = this.#options.clock.nowMs();
    const deciding = this.#deciding;
    deciding.tick(nowMs);
    deciding.follow();
    this.#asker.poll(nowMs);
    this.#warming.fill(nowMs);
    if (deciding.shadow?.mayTakeOver(nowMs) === true) deciding.takeOver();
    deciding.pollUses(nowMs);
    this.#archive.poll(nowMs);
    if (nowMs >= this.#statusAfterMs) this.#gauge(nowMs);
    this.#warming.say(nowMs);
  }

  /** Whether a host has the model in memory and answers. */
  get isReady(): boolean {
    return this.#deciding.candidate.serves(this.#options.clock.nowMs());
  }

  report(): InferenceReport {
    const nowMs = this.#options.clock.nowMs();
    const { candidate, version, shadow } = this.#deciding;
    return {
      engine: "ollama",
      model: candidate.plan.request.model,
      mode: candidate.method.mode,
      version: version?.text ?? "",
      hosts: candidate.reports(nowMs),
      queued: this.#asker.queued,
      asking: this.#asker.asking,
      warm: this.#warming.progress(nowMs),
      shadow: shadow?.report(nowMs) ?? null,
    };
  }

  /**
   * Answers that are not handed over yet, because their host has yet to show that it still has the
   * model. Looking at it again makes that happen soon.
   */
  get unproven(): number {
    return this.#archive.unproven;
  }

  /** Looks at every host at the next poll. */
  recheck(): void {
    for (const host of this.#deciding.candidate.hosts) host.recheck();
  }

  /** Begins to warm another candidate beside the deciding one, in place of the one before. */
  cast(plan: CandidatePlan): void {
    this.#deciding.cast(plan);
  }

  /** The shadow takes over at once, with all its answers. False while there is none that is ready. */
  switchToShadow(): boolean {
    return this.#deciding.takeOver();
  }

  /** Cuts what is under way and hands over what ops has not got yet. */
  close(): void {
    this.#deciding.close();
    this.#archive.flush();
  }

  #gauge(nowMs: number): void {
    this.#statusAfterMs = nowMs + statusEveryMs;
    const { meter, table } = this.#options;
    const { candidate } = this.#deciding;
    const hosts = candidate.reports(nowMs);
    meter.gauge("queueDepth", this.#asker.queued);
    meter.gauge("inFlight", candidate.inFlight);
    meter.gauge("hostsUp", hosts.filter((h) => h.status === "ready").length);
    meter.gauge("breakersOpen", hosts.filter((h) => h.breaker !== "closed").length);
    const pinned = candidate.plan.request.keepAliveS < 0;
    meter.gauge("modelPinned", pinned && hosts.some((h) => h.status === "ready") ? 1 : 0);
    const warm = this.#warming.progress(nowMs);
    if (warm !== null && warm.total > 0) meter.gauge("warmDone", warm.done / warm.total);
    const evictions = table.evictions();
    if (evictions !== this.#evictions) {
      meter.count("evictions", (evictions - this.#evictions) >>> 0);
      this.#evictions = evictions;
    }
  }
}
