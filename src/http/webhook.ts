/**
 * Alerts to somebody else's HTTP endpoint: one JSON object a POST when an alert opens and when it is
 * resolved, in order, retried with growing pauses, and bounded: what does not fit is dropped, oldest
 * first, and counted.
 *
 *   {"event":"opened","alert":{"id":3,"rule":"gap",…},"run":"00d1…","host":"edge-1"}
 */
import type { Alert, AlertChange } from "../telemetry/alert.ts";

export interface WebhookOptions {
  url: string;
  /** Longest wait for an answer, ms. */
  timeoutMs: number;
  /** Tries for each alert; the pause before the n-th retry is 2^(n-1) s, at most a minute. */
  tries: number;
  /** Alerts that may wait. */
  queueMax: number;
  /** Sent with every alert, so that several appliances can share an endpoint. */
  run: string;
  host: string;
}

export interface WebhookCounts {
  sent: number;
  /** Given up: refused for good, tried too often, or pushed out by newer ones. */
  failed: number;
}

interface Delivery {
  event: "opened" | "resolved";
  alert: Alert;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;
type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const pauseMsMax = 60_000;

export class Webhook {
  readonly counts: WebhookCounts = { sent: 0, failed: 0 };
  /** Why the last delivery failed; "" after one that did not. */
  lastError = "";
  private readonly options: WebhookOptions;
  private readonly fetch: Fetch;
  private readonly wait: Wait;
  private readonly queue: Delivery[] = [];
  private readonly stop = new AbortController();
  private worker: Promise<void> | null = null;

  constructor(options: WebhookOptions, fetch: Fetch = globalThis.fetch, wait: Wait = sleep) {
    this.options = options;
    this.fetch = fetch;
    this.wait = wait;
  }

  /** Queues what is news in the changes; never waits, never throws. After close it is given up. */
  offer(changes: readonly AlertChange[]): void {
    for (const { kind, alert } of changes) {
      if (kind !== "updated") this.queue.push({ event: kind, alert });
    }
    while (this.queue.length > this.options.queueMax) {
      this.queue.shift();
      this.counts.failed++;
    }
    if (this.stop.signal.aborted) {
      this.counts.failed += this.queue.length;
      this.queue.length = 0;
    } else if (this.queue.length > 0) this.worker ??= this.deliverAll();
  }

  /** When everything that was offered has been delivered or given up. */
  async idle(): Promise<void> {
    while (this.worker !== null) await this.worker;
  }

  /** Gives up what still waits. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.idle();
  }

  private async deliverAll(): Promise<void> {
    const { signal } = this.stop;
    for (;;) {
      const delivery = this.queue.shift();
      if (delivery === undefined) break;
      if (!signal.aborted && (await this.deliver(delivery))) this.counts.sent++;
      else this.counts.failed++;
    }
    this.worker = null;
  }

  private async deliver({ event, alert }: Delivery): Promise<boolean> {
    const { url, tries, run, host } = this.options;
    const body = JSON.stringify({ event, alert, run, host });
    for (let attempt = 1; !this.stop.signal.aborted; attempt++) {
      const verdict = await this.post(url, body);
      if (verdict === "delivered") return true;
      if (verdict === "refused" || attempt >= tries) return false;
      await this.wait(Math.min(pauseMsMax, 1000 * 2 ** (attempt - 1)), this.stop.signal);
    }
    return false;
  }

  private async post(url: string, body: string): Promise<"delivered" | "refused" | "again"> {
    try {
      const response = await this.fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        redirect: "error",
        signal: AbortSignal.any([this.stop.signal, AbortSignal.timeout(this.options.timeoutMs)]),
      });
      // The answer says nothing that matters, and could be endless.
      await response.body?.cancel();
      if (response.ok) {
        this.lastError = "";
        return "delivered";
      }
      const { status } = response;
      this.lastError = `HTTP ${status}`;
      return status >= 500 || status === 408 || status === 429 ? "again" : "refused";
    } catch (error) {
      this.lastError = error instanceof Error ? error.message : String(error);
      return "again";
    }
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", abort));
}
