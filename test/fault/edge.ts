/** The program under a fault: started, fed, asked whether it lives. */
import { type Running, type RunOptions, start } from "../support/binary.ts";
import { openTestSender, type TestSender } from "../support/sender.ts";
import { until } from "../support/until.ts";
import { promise } from "./fault.ts";

export interface EdgeOptions extends RunOptions {
  feed?: string;
  args?: readonly string[];
}

/** Bid and ask sizes that lean to one side for a while, then to the other. */
function tick(symbol: string, turn: number): string {
  const heavy = turn % 40 >= 20;
  const price = 100 + Math.abs((turn % 40) - 20) / 10;
  const quote = { bid: price, ask: price + 0.01, bidSize: heavy ? 900 : 100 };
  const timestamp = Date.now();
  return JSON.stringify({
    symbol,
    timestamp,
    price,
    volume: 100,
    ...quote,
    askSize: heavy ? 100 : 900,
  });
}

export class FaultEdge implements AsyncDisposable {
  readonly running: Running;
  readonly port: number;
  readonly url: string;
  readonly #sender: TestSender;
  /** Datagrams that this has sent. */
  sent = 0;
  #turn = 0;
  #send: (bytes: string | Uint8Array) => void;

  private constructor(running: Running, port: number, url: string, sender: TestSender) {
    this.running = running;
    this.port = port;
    this.url = url;
    this.#sender = sender;
    this.#send = (bytes) => void sender.send(bytes);
  }

  static async start({ feed, args = [], ...options }: EdgeOptions = {}): Promise<FaultEdge> {
    const running = start(
      [
        "run",
        "--feed",
        feed ?? "udp://127.0.0.1:0?format=tick",
        "--inference-engine=rules",
        "--http-listen=127.0.0.1:0",
        "--log-format=text",
        ...args,
      ],
      { timeoutMs: 150_000, ...options },
    );
    await running.until("stderr", /ready: /);
    const text = running.text("stderr");
    const port = Number(/on udp:\/\/\S+:(\d+)/.exec(text)?.[1]);
    const url = /http on (http:\S+)/.exec(text)?.[1] ?? "";
    return new FaultEdge(running, port, url, await openTestSender(port));
  }

  send(bytes: string | Uint8Array): void {
    this.sent++;
    this.#send(bytes);
  }

  /** Lets datagrams go another way than to the port on loopback. */
  sendBy(send: (bytes: string | Uint8Array) => void): void {
    this.#send = send;
  }

  /** Sends ticks of the symbol until the newest signal for it fits; returns how long that took, ms. */
  async tickUntil(
    symbol: string,
    fits: (signal: Record<string, unknown>) => boolean,
    limitMs = 30_000,
  ): Promise<number> {
    const from = this.running.text("stdout").length;
    const beganMs = performance.now();
    await until(() => {
      this.send(tick(symbol, this.#turn++));
      const last = this.last(symbol, from);
      return last !== undefined && fits(last);
    }, limitMs);
    return performance.now() - beganMs;
  }

  /** Time until a new BUY or SELL comes out for the symbol: the whole path works. */
  async decides(symbol = "ACME", limitMs = 30_000): Promise<number> {
    return await this.tickUntil(symbol, ({ signal }) => signal !== "HOLD", limitMs);
  }

  /** The symbol's newest signal behind this place in stdout. */
  last(symbol: string, from = 0): Record<string, unknown> | undefined {
    const text = this.running.text("stdout");
    const at = text.lastIndexOf(`"symbol":"${symbol}"`);
    const end = text.indexOf("\n", at);
    if (at < from || end < 0) return undefined;
    return JSON.parse(text.slice(text.lastIndexOf("\n", at) + 1, end)) as Record<string, unknown>;
  }

  /** How long /healthz took, ms; -1 when it did not answer with 200 in time. */
  async health(timeoutMs = 10_000): Promise<number> {
    const beganMs = performance.now();
    try {
      const response = await fetch(`${this.url}/healthz`, {
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.text();
      return response.status === 200 ? performance.now() - beganMs : -1;
    } catch {
      return -1;
    }
  }

  /** Feed and HTTP both do their work; says how fast. */
  async works(): Promise<void> {
    await this.decides();
    promise((await this.health()) >= 0, "HTTP does not answer");
  }

  async readiness(): Promise<string> {
    const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(10_000) });
    return await response.text();
  }

  /** Waits until /readyz says this. */
  async readyz(pattern: RegExp, limitMs = 30_000): Promise<string> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const text = await this.readiness();
      if (pattern.test(text)) return text;
      promise(performance.now() < endMs, `/readyz never said ${pattern}: ${text}`);
      await Bun.sleep(20);
    }
  }

  /** A counter of /metrics, summed over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const values = text.matchAll(new RegExp(`^hftedge_${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Resident memory in MiB. */
  async residentMiB(): Promise<number> {
    const status = await Bun.file(`/proc/${this.running.pid}/status`).text();
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }

  /** SIGTERM; the end must be in order. */
  async ends(): Promise<void> {
    const { code, stderr } = await this.running.stop();
    promise(code === 0, `exit code ${code} after SIGTERM: ${stderr.slice(-500)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.close();
    await this.running[Symbol.asyncDispose]();
  }
}
