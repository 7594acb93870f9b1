/**
 * One Ollama server as a place to ask: is it there, has it the model in memory as we want it, and
 * how long would an answer take?
 *
 * down → (HEAD answers) → loading → (/api/ps shows it) → warming → (warm-up answered) → ready
 *
 * The check runs for ever in the background, so a server that restarts, forgets the model or gets
 * another one under the same name is noticed and set right without anybody's doing. The preload has
 * no deadline, because a disconnect would kill the load; it is given up only when nobody listens at
 * the address any more, for then there is no load to kill.
 *
 * Nothing here owns a timer: `tick` is called by the thread's loop with the time.
 */
import { Breaker, BreakerState, type BreakerLimits } from "./breaker.ts";
import { LatencyEstimate } from "./estimate.ts";
import { faultOfError, InferenceFault } from "./fault.ts";
import { OllamaClient, type Fetch, type Lane, type Reply } from "./ollama.ts";
import type { FrozenRequest } from "./request.ts";
import { isBefore } from "./server-version.ts";

export const hostStatuses = [
  "unknown",
  "down",
  "no-model",
  "loading",
  "warming",
  "ready",
  /** Ready, but with another digest of the model than the one that decides. */
  "other-model",
] as const;
export type HostStatus = (typeof hostStatuses)[number];

export interface HostLimits {
  /** Questions in flight: the server's OLLAMA_NUM_PARALLEL. */
  parallel: number;
  checkMs: number;
  /** A check that takes longer has failed. */
  checkTimeoutMs: number;
  /** A question without an answer for so long is given up, unless the model is loading. */
  hungMs: number;
  bodyBytesMax: number;
  breaker: BreakerLimits;
}

/** What the candidate decides about a host that has the model in memory. */
export interface HostOwner {
  request(): FrozenRequest;
  /** The server said its version. */
  serverVersion(host: Host, version: string): void;
  /** The model is in memory: asks the warm-up questions. Resolves when the host may be asked. */
  warmUp(host: Host): Promise<void>;
  notice(host: Host, words: string): void;
  count(what: "modelLoads" | "breakerOpened"): void;
  /** The digest is still the one we know: answers that came before check `check` are its own. */
  proven(host: Host, check: number): void;
  /** The digest is another: answers since the last proof may be the other model's. */
  disproven(host: Host): void;
}

/** What is known about the host, for people and for /readyz. */
export interface HostReport {
  url: string;
  status: HostStatus;
  serverVersion: string;
  digest: string;
  contextLength: number;
  /** Share of the model in GPU memory, 0–1; null while nothing is loaded. */
  vramRatio: number | null;
  breaker: BreakerState;
  inFlight: number;
  meanMs: number;
  lastError: string;
}

/** The first server that does not parse the model's file again for every question. */
const fixedVersion = [0, 32, 15] as const;
const preloadRetryMsMax = 60_000;

export class Host {
  readonly url: string;
  readonly estimate = new LatencyEstimate();
  readonly breaker: Breaker;
  status: HostStatus = "unknown";
  serverVersion = "";
  /** Of the model in memory; "" from the moment that another one is seen under its name. */
  digest = "";
  lastError = "";
  /** Checks begun so far. */
  checks = 0;

  readonly #limits: HostLimits;
  readonly #owner: HostOwner;
  readonly #client: OllamaClient;
  readonly #free: Lane[] = [];
  /** Apart from the others: they may all be waiting for the very load that is being warmed up. */
  readonly #warmLane: Lane;
  /** Lanes at work, with the time at which their question was sent. */
  readonly #busy = new Map<Lane, number>();
  #contextLength = 0;
  #vramRatio: number | null = null;
  #check: { controller: AbortController; sinceMs: number } | null = null;
  #load: AbortController | null = null;
  /** The model is in memory by our preload, warmed up, and has not been missing since. */
  #isOurs = false;
  #nextCheckMs = 0;
  #preloadFailures = 0;
  #preloadAfterMs = 0;
  #misses = 0;
  #nowMs = 0;
  #warmingSinceMs = 0;
  #openings = 0;
  #isClosed = false;

  constructor(
    url: string,
    limits: HostLimits,
    owner: HostOwner,
    fetch: Fetch,
    nowNs: () => number,
  ) {
    this.url = url;
    this.#limits = limits;
    this.#owner = owner;
    this.breaker = new Breaker(limits.breaker);
    this.#client = new OllamaClient({ url, bodyBytesMax: limits.bodyBytesMax, fetch, nowNs });
    this.#warmLane = this.#client.lane();
    for (let i = 0; i < limits.parallel; i++) this.#free.push(this.#client.lane());
  }

  get inFlight(): number {
    return this.#busy.size;
  }

  get freeLanes(): number {
    return this.#free.length;
  }

  /** Whether a question may be sent now. */
  allows(nowMs: number): boolean {
    if (this.#isClosed || this.status !== "ready" || this.#free.length === 0) return false;
    return this.breaker.allows(nowMs);
  }

  /** Whether a question may be sent now or as soon as a lane is free. */
  serves(nowMs: number): boolean {
    return this.status === "ready" && this.breaker.state(nowMs) !== BreakerState.open;
  }

  /** Time until a question that is sent now would be answered, as far as is known. */
  expectedWaitMs(): number {
    // Hosts of unknown speed count as equally fast, so that the emptier one is asked.
    const meanMs = Math.max(this.estimate.meanMs, 0.001);
    return (meanMs * (this.#busy.size + 1)) / this.#limits.parallel;
  }

  /** Starts what is due and cuts what is overdue. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#isClosed) return;
    const { checkTimeoutMs, hungMs } = this.#limits;
    if (this.#check !== null && nowMs - this.#check.sinceMs > checkTimeoutMs) {
      this.#check.controller.abort();
    }
    if (this.status !== "loading") {
      for (const [lane, sentMs] of this.#busy) if (nowMs - sentMs > hungMs) lane.cut();
    }
    if (this.status === "warming" && nowMs - this.#warmingSinceMs > hungMs) this.#warmLane.cut();
    if (this.#check === null && nowMs >= this.#nextCheckMs) {
      this.#check = { controller: new AbortController(), sinceMs: nowMs };
      this.checks++;
      void this.#runCheck(this.#check.controller.signal);
    }
  }

  /** Asks in a warm-up, outside the slots; throws InferenceFault. */
  async warm(request: FrozenRequest, prompt: string): Promise<Reply> {
    this.#warmingSinceMs = this.#nowMs;
    return this.#warmLane.ask(request, prompt);
  }

  /** Asks; throws InferenceFault. Only after `allows` at the same time. */
  async ask(request: FrozenRequest, prompt: string, nowMs: number): Promise<Reply> {
    this.#nowMs = nowMs;
    const lane = this.#free.pop();
    if (lane === undefined) throw new InferenceFault("busy", 0, "no free slot");
    this.#busy.set(lane, nowMs);
    this.breaker.sent(nowMs);
    try {
      const reply = await lane.ask(request, prompt);
      this.breaker.succeeded();
      this.estimate.add(reply.timing.totalNs / 1e6);
      return reply;
    } catch (error) {
      const fault = faultOfError(error);
      this.#failed(fault);
      throw fault;
    } finally {
      this.#busy.delete(lane);
      this.#free.push(lane);
    }
  }

  /** Looks again soon: something suggests that the host is not what it was. */
  recheck(): void {
    this.#nextCheckMs = Math.min(this.#nextCheckMs, this.#nowMs);
  }

  report(nowMs: number): HostReport {
    return {
      url: this.url,
      status: this.status,
      serverVersion: this.serverVersion,
      digest: this.digest,
      contextLength: this.#contextLength,
      vramRatio: this.#vramRatio,
      breaker: this.breaker.state(nowMs),
      inFlight: this.#busy.size,
      meanMs: this.estimate.meanMs,
      lastError: this.lastError,
    };
  }

  /** Cuts every connection. A load in progress dies with it. */
  close(): void {
    this.#isClosed = true;
    this.#check?.controller.abort();
    this.#load?.abort();
    this.#warmLane.cut();
    for (const lane of this.#busy.keys()) lane.cut();
  }

  #failed(fault: InferenceFault): void {
    this.lastError = fault.message;
    // A full queue or a missing model is the host's state, which the check finds out; a request
    // that is refused is our fault. Neither says that the host is ill.
    if (fault.kind === "busy" || fault.kind === "no-model" || fault.kind === "refused-request") {
      this.breaker.released();
    } else {
      this.breaker.failed(this.#nowMs);
      if (this.breaker.openings !== this.#openings) {
        this.#openings = this.breaker.openings;
        this.#owner.count("breakerOpened");
        this.#owner.notice(this, `breaker open: ${fault.message}`);
      }
    }
    this.recheck();
  }

  async #runCheck(signal: AbortSignal): Promise<void> {
    try {
      await this.#look(signal);
      this.#misses = 0;
    } catch (error) {
      this.#missed(faultOfError(error));
    }
    this.#check = null;
    this.#nextCheckMs = this.#nowMs + this.#limits.checkMs;
  }

  /** A refused connection is certain; a slow answer may be a busy machine, so it takes two. */
  #missed(fault: InferenceFault): void {
    this.lastError = fault.message;
    this.#misses++;
    if (fault.kind !== "refused" && this.#misses < 2 && this.status !== "unknown") return;
    if (this.status !== "down" && !this.#isClosed) {
      this.#owner.notice(this, `not reachable: ${fault.message}`);
    }
    // While it loads, only a closed port proves that there is no load left to kill.
    if (this.#load !== null && fault.kind !== "refused") return;
    this.#load?.abort();
    this.status = "down";
    this.#isOurs = false;
    // A server that comes back is another one: what the last one refused says nothing about it.
    this.#preloadFailures = 0;
    this.#preloadAfterMs = 0;
  }

  async #look(signal: AbortSignal): Promise<void> {
    await this.#client.head(signal);
    if (this.status === "unknown" || this.status === "down") await this.#greet(signal);
    if (this.#load !== null) return;
    const { model } = this.#owner.request().plan;
    const wanted = await this.#client.digestOf(model, signal);
    if (wanted === null) {
      if (this.status !== "no-model") {
        this.#owner.notice(this, `has no model ${model}; remedy: ollama pull ${model}`);
      }
      this.status = "no-model";
      this.lastError = `model '${model}' not found`;
      return;
    }
    const loaded = await this.#client.loaded(wanted, signal);
    const asWanted =
      loaded !== null &&
      wanted === this.digest &&
      this.#isOurs &&
      loaded.contextLength === this.#contextLength;
    if (asWanted) {
      this.#vramRatio = loaded.sizeBytes > 0 ? loaded.vramBytes / loaded.sizeBytes : null;
      this.#owner.proven(this, this.checks);
      return;
    }
    if (wanted !== this.digest) {
      this.#owner.disproven(this);
      this.digest = "";
    }
    if (this.#nowMs >= this.#preloadAfterMs) void this.#preload();
  }

  async #greet(signal: AbortSignal): Promise<void> {
    const version = await this.#client.version(signal);
    if (version !== this.serverVersion && isBefore(version, fixedVersion)) {
      this.#owner.notice(
        this,
        `Ollama ${version} reads the model's file again for every question (94 to 300 ms); remedy: upgrade to ${fixedVersion.join(".")} or later`,
      );
    }
    this.serverVersion = version;
    this.#owner.serverVersion(this, version);
  }

  /** Loads, verifies, warms up; ready only at the end of it. */
  async #preload(): Promise<void> {
    if (this.#isClosed) return;
    this.#load = new AbortController();
    const { signal } = this.#load;
    this.status = "loading";
    this.#isOurs = false;
    this.#vramRatio = null;
    try {
      await this.#client.preload(this.#owner.request(), signal);
      this.#owner.count("modelLoads");
      await this.#verify(signal);
      this.status = "warming";
      await this.#owner.warmUp(this);
      this.#isOurs = true;
      this.#preloadFailures = 0;
      this.status = "ready";
    } catch (error) {
      const fault = faultOfError(error);
      this.lastError = fault.message;
      this.status = fault.kind === "no-model" ? "no-model" : "down";
      this.#preloadFailures++;
      const { checkMs } = this.#limits;
      const delay = Math.min(preloadRetryMsMax, checkMs * 2 ** Math.min(this.#preloadFailures, 5));
      this.#preloadAfterMs =
        fault.kind === "refused" || fault.kind === "cut" ? 0 : this.#nowMs + delay;
      if (!this.#isClosed)
        this.#owner.notice(this, `the model could not be loaded: ${fault.message}`);
    } finally {
      this.#load = null;
    }
  }

  /** Only /api/ps proves what is in memory, and where. */
  async #verify(signal: AbortSignal): Promise<void> {
    const request = this.#owner.request();
    const { model, options } = request.plan;
    const digest = await this.#client.digestOf(model, signal);
    const loaded = digest === null ? null : await this.#client.loaded(digest, signal);
    if (loaded === null) {
      throw new InferenceFault("server", 200, "the server loaded the model but does not list it");
    }
    if (loaded.digest !== this.digest) this.#owner.disproven(this);
    this.digest = loaded.digest;
    this.#contextLength = loaded.contextLength;
    this.#vramRatio = loaded.sizeBytes > 0 ? loaded.vramBytes / loaded.sizeBytes : null;
    const asked = options["num_ctx"];
    if (typeof asked === "number" && asked !== loaded.contextLength) {
      this.#owner.notice(this, `context is ${loaded.contextLength}, not the ${asked} asked for`);
    }
    const percent = Math.round((this.#vramRatio ?? 0) * 100);
    this.#owner.notice(
      this,
      `${model} is in memory: digest ${loaded.digest.slice(0, 12)}, context ${loaded.contextLength}, ${percent} % of ${sizeText(loaded.sizeBytes)} in GPU memory`,
    );
  }
}

function sizeText(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
