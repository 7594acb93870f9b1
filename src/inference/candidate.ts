/**
 * A candidate for deciding: one model with one prompt, one set of options and one way of reading a
 * reply, on any number of hosts. There is the one that decides now, and there may be another that
 * is warmed in its shadow.
 *
 * Its version is known once a host has the model in memory, because the digest is part of it. Hosts
 * with another digest of the model are not asked while one with the deciding digest is there; when
 * none is left, the other digest takes over, and with it another version.
 */
import type { FaultKind } from "./fault.ts";
import { Host, type HostLimits, type HostReport } from "./host.ts";
import { isBefore } from "./server-version.ts";
import type { Fetch } from "./ollama.ts";
import { createPrompt, type Prompt, type PromptPlan } from "./prompt.ts";
import { freezeRequest, type FrozenRequest, type RequestPlan } from "./request.ts";
import { readVerdict, Reason, type Calibration, type Mode, type Reading } from "./verdict.ts";
import { versionOf, type DecisionVersion } from "./version.ts";

export interface CandidatePlan {
  hosts: readonly string[];
  /** "auto" starts with log-probabilities and falls back as server and model need. */
  mode: Mode | "auto";
  request: Omit<RequestPlan, "mode">;
  prompt: Omit<PromptPlan, "mode">;
  calibration: Calibration;
  marginMin: number;
  labelMassMin: number;
  spaceFingerprint: string;
  keyWords: number;
  /** Questions asked of a host before it counts as ready. */
  warmUps: number;
  limits: HostLimits;
}

export interface CandidateEvents {
  notice(words: string): void;
  count(what: "modelLoads" | "breakerOpened"): void;
  /** HostOwner says what these mean. */
  proven(host: Host, check: number): void;
  disproven(host: Host): void;
}

/** All that a question needs, in one mode. */
export interface Method {
  mode: Mode;
  request: FrozenRequest;
  prompt: Prompt;
  reading: Reading;
}

/** Log-probabilities since 0.12.11, a JSON schema since 0.5.0. */
export function bestMode(serverVersion: string): Mode {
  if (isBefore(serverVersion, [0, 5, 0])) return "text";
  return isBefore(serverVersion, [0, 12, 11]) ? "json" : "logprobs";
}

const weaker: Readonly<Record<Mode, Mode>> = { logprobs: "json", json: "text", text: "text" };
const strength: Readonly<Record<Mode, number>> = { logprobs: 2, json: 1, text: 0 };

export class Candidate {
  readonly hosts: readonly Host[];
  readonly plan: CandidatePlan;
  readonly #events: CandidateEvents;
  #method: Method;
  #digest = "";
  #version: DecisionVersion | null = null;
  /** The candidate that asks the same servers beside this one; null for none. */
  beside: Candidate | null = null;

  constructor(plan: CandidatePlan, events: CandidateEvents, fetch: Fetch, nowNs: () => number) {
    this.plan = plan;
    this.#events = events;
    this.#method = this.#methodFor(plan.mode === "auto" ? "logprobs" : plan.mode);
    const owner = {
      request: () => this.#method.request,
      serverVersion: (host: Host, version: string) => this.#serverVersion(host, version),
      warmUp: (host: Host) => this.#warmUp(host),
      notice: (host: Host, words: string) => events.notice(`${host.url}: ${words}`),
      count: (what: "modelLoads" | "breakerOpened") => events.count(what),
      proven: (host: Host, check: number) => events.proven(host, check),
      disproven: (host: Host) => events.disproven(host),
    };
    this.hosts = plan.hosts.map((url) => new Host(url, plan.limits, owner, fetch, nowNs));
  }

  get method(): Method {
    return this.#method;
  }

  /** Of the model that decides; "" until a host has it in memory. */
  get digest(): string {
    return this.#digest;
  }

  /** Null until a host has the model in memory. */
  get version(): DecisionVersion | null {
    return this.#version;
  }

  tick(nowMs: number): void {
    for (const host of this.hosts) host.tick(nowMs);
    this.#elect();
  }

  /**
   * The host that would answer soonest and may be asked now, other than `except`; null for none. A
   * host is asked for what it has in memory, also in the moment before the next `tick` says so.
   */
  pick(nowMs: number, except: Host | null = null): Host | null {
    let best: Host | null = null;
    for (const host of this.hosts) {
      if (host === except || host.digest !== this.#digest || !host.allows(nowMs)) continue;
      if (host.freeLanes <= this.#takenBeside(host)) continue;
      if (best === null || host.expectedWaitMs() < best.expectedWaitMs()) best = host;
    }
    return best;
  }

  /** Slots of the server that questions of the other candidate take: one model has one set of them. */
  #takenBeside({ url }: Host): number {
    const { beside } = this;
    if (beside?.plan.request.model !== this.plan.request.model) return 0;
    return beside.hosts.find((host) => host.url === url)?.inFlight ?? 0;
  }

  /** Whether any host could be asked, now or when a slot is free. */
  serves(nowMs: number): boolean {
    return this.hosts.some((host) => host.serves(nowMs));
  }

  get freeLanes(): number {
    return this.hosts.reduce((n, h) => n + (h.status === "ready" ? h.freeLanes : 0), 0);
  }

  get inFlight(): number {
    return this.hosts.reduce((n, h) => n + h.inFlight, 0);
  }

  reports(nowMs: number): HostReport[] {
    return this.hosts.map((host) => host.report(nowMs));
  }

  close(): void {
    for (const host of this.hosts) host.close();
  }

  #methodFor(mode: Mode): Method {
    const { plan } = this;
    return {
      mode,
      request: freezeRequest({ ...plan.request, mode }),
      prompt: createPrompt({ ...plan.prompt, mode }),
      reading: {
        mode,
        calibration: plan.calibration,
        marginMin: plan.marginMin,
        labelMassMin: plan.labelMassMin,
      },
    };
  }

  #setMode(mode: Mode, why: string): void {
    if (mode === this.#method.mode) return;
    this.#events.notice(`answers are read as ${mode} instead of ${this.#method.mode}: ${why}`);
    this.#method = this.#methodFor(mode);
    this.#setVersion();
  }

  /** The digest that decides stays while any host has it. */
  #elect(): void {
    const able = this.hosts.filter(
      ({ status, digest }) => digest !== "" && (status === "ready" || status === "other-model"),
    );
    if (able.length === 0) return;
    if (!able.some((host) => host.digest === this.#digest)) {
      // Where nobody has the deciding digest, a host that is still loading may yet bring it back;
      // but an answer from the model that is there beats no answer.
      this.#digest = able[0]!.digest;
      this.#setVersion();
    }
    for (const host of able) {
      const status = host.digest === this.#digest ? "ready" : "other-model";
      if (status !== host.status && status === "other-model") {
        this.#events.notice(`${host.url}: has another digest of the model, and is not asked`);
      }
      host.status = status;
    }
  }

  #setVersion(): void {
    if (this.#digest === "") return;
    this.#version = versionOf({
      digest: this.#digest,
      request: this.#method.request.text,
      prompt: this.#method.prompt.fixed,
      space: this.plan.spaceFingerprint,
      reading: this.#method.reading,
    });
  }

  #serverVersion(host: Host, version: string): void {
    if (this.plan.mode !== "auto") return;
    const best = bestMode(version);
    if (strength[best] < strength[this.#method.mode]) {
      this.#setMode(best, `${host.url} runs Ollama ${version}`);
    }
  }

  /** Asks about a state nobody is in, so that the fixed part of the prompt is in every slot. */
  async #warmUp(host: Host): Promise<void> {
    const key = new Uint32Array(this.plan.keyWords);
    for (let asked = 0; asked < this.plan.warmUps; asked++) {
      const { prompt, request, reading, mode } = this.#method;
      const { body } = await host.warm(request, prompt.of(key) ?? prompt.fixed);
      if (this.plan.mode !== "auto" || mode === "text") continue;
      const { reason } = readVerdict(body, reading);
      if (reason !== Reason.noLogprobs && !(reason === Reason.unreadable && mode === "json"))
        continue;
      // An empty reply has no log-probabilities because it has no text: once is no proof.
      const said = (body as { response?: unknown }).response;
      if (said === "" && asked === 0 && this.plan.warmUps > 1) continue;
      this.#setMode(weaker[mode], `the first replies could not be read (${reason})`);
      asked = -1;
    }
  }
}

/** How a fault is counted; the labels of the metric of failed questions. */
export const errorLabelOf: Readonly<Record<FaultKind, string>> = {
  refused: "connect",
  cut: "connect",
  hung: "aborted",
  "no-model": "model_missing",
  busy: "overloaded",
  "refused-request": "http_4xx",
  server: "http_5xx",
  garbage: "malformed",
};
