/**
 * Questions under way: each goes to a host, and to a second one when the first fails while somebody
 * waits, or is slower than usual. The first answer counts; a failure only when no attempt is left.
 */
import type { Asking } from "./asking.ts";
import { type Candidate, errorLabelOf } from "./candidate.ts";
import type { InferenceFault } from "./fault.ts";
import type { Host } from "./host.ts";
import type { ErrorLabel, Meter } from "./meter.ts";
import type { Reply } from "./ollama.ts";
import type { InferenceClock, InferenceOptions } from "./port.ts";

/** How a question came out; called once for each. */
export interface ExchangeEnd {
  answered(asking: Asking, host: Host, body: Reply["body"]): void;
  /** Only by a host that has another model by now, or is about to: the answer may be either's. */
  doubtful(asking: Asking): void;
  failed(asking: Asking, fault: InferenceFault): void;
}

export class Exchange {
  readonly #meter: Meter;
  readonly #clock: InferenceClock;
  readonly #end: ExchangeEnd;

  constructor({ meter, clock }: InferenceOptions, end: ExchangeEnd) {
    this.#meter = meter;
    this.#clock = clock;
    this.#end = end;
  }

  send(asking: Asking, host: Host, prompt: string, nowMs: number): void {
    this.#meter.count("requests");
    asking.hosts.push(host);
    asking.open++;
    host.ask(asking.method.request, prompt, nowMs).then(
      (reply) => this.#answered(asking, host, reply),
      (fault: InferenceFault) => this.#failed(asking, host, fault, prompt),
    );
  }

  /** A question slower than 95 % of its host's answers is asked of a second host as well. */
  hedge(candidate: Candidate, questions: Iterable<Asking>, nowMs: number): void {
    if (candidate.hosts.length < 2) return;
    for (const asking of questions) {
      const first = asking.hosts[0]!;
      if (asking.hosts.length > 1 || asking.waiters.length === 0) continue;
      if (nowMs - asking.sentMs <= first.estimate.p95Ms) continue;
      const other = candidate.pick(nowMs, first);
      const prompt = asking.method.prompt.of(asking.question.key);
      if (other === null || prompt === null) continue;
      this.#meter.count("hedges");
      this.send(asking, other, prompt, nowMs);
    }
  }

  #answered(asking: Asking, host: Host, { timing, body }: Reply): void {
    asking.open--;
    const meter = this.#meter;
    meter.record("processing", timing.totalNs);
    meter.record("load", timing.loadNs);
    meter.record("wait", timing.waitNs);
    meter.record("prompt", timing.promptNs);
    meter.record("eval", timing.evalNs);
    meter.record("client", timing.clientNs);
    const counts = body as { prompt_eval_count?: unknown; eval_count?: unknown };
    if (typeof counts.prompt_eval_count === "number") {
      meter.count("promptTokens", counts.prompt_eval_count);
    }
    if (typeof counts.eval_count === "number") meter.count("evalTokens", counts.eval_count);
    if (asking.isDone) return;
    if (host.digest !== asking.digest) {
      if (asking.open === 0) this.#end.doubtful(asking);
      return;
    }
    if (asking.hosts.length > 1 && host !== asking.hosts[0]) meter.count("hedgesWon");
    this.#end.answered(asking, host, body);
  }

  #failed(asking: Asking, host: Host, fault: InferenceFault, prompt: string): void {
    asking.open--;
    const meter = this.#meter;
    meter.fail(this.#clock.nowNs() - asking.sentNs);
    meter.error(errorLabelOf[fault.kind] as ErrorLabel);
    // Another attempt is under way, or has won already.
    if (asking.isDone || asking.open > 0) return;
    const mayMove = asking.hosts.length < 2 && asking.waiters.length > 0;
    const nowMs = this.#clock.nowMs();
    const other = mayMove ? asking.candidate.pick(nowMs, host) : null;
    if (other === null) return this.#end.failed(asking, fault);
    meter.count("failovers");
    this.send(asking, other, prompt, nowMs);
  }
}
