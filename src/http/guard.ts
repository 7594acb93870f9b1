/**
 * Who may ask: a Host that is ours (a page of another site that resolves its name to this address
 * must not read anything), no other site's page, the token, and not more often than allowed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { problem } from "./problem.ts";

export interface GuardOptions {
  /** The listening host, and further names that requests may use. */
  hosts: readonly string[];
  /** True when only this machine can reach the address. */
  loopback: boolean;
  /** "" for none. */
  token: string;
  /** Requests a second of one address, and as many again at once. */
  ratePerS: number;
  /** Monotonic ms. */
  clockMs(): number;
  /** A request was refused. */
  onRefuse(): void;
}

/** Variables of a request: set by the server, absent in tests that call the app directly. */
export interface GuardEnv {
  Bindings: { address?: string };
}

/** Static pages and the sign of life: they hold nothing that is worth a token. */
const openPaths = new Set(["/", "/healthz", "/docs", "/openapi.json"]);

export function guard(options: GuardOptions): MiddlewareHandler<GuardEnv> {
  const expected = options.token === "" ? undefined : digest(options.token);
  // Written as people write them: with a port, in capitals.
  const hosts = new Set(options.hosts.map(hostName));
  const rate = new RateLimit(options.ratePerS, options.clockMs);
  return async (c, next) => {
    const refuse = (response: Response): Response => {
      options.onRefuse();
      return response;
    };
    const host = c.req.header("host") ?? "";
    if (!isOurs(hostName(host), hosts, options.loopback)) {
      const hint = "Use the listening address, or add the name to http.allowedHosts.";
      return refuse(
        problem(c, 421, "HOST_REFUSED", `this service is not ${JSON.stringify(host)}`, { hint }),
      );
    }
    const origin = c.req.header("origin");
    const crossSite = c.req.header("sec-fetch-site") === "cross-site";
    if (crossSite || (origin !== undefined && !sameOrigin(origin, host))) {
      const detail = "pages of other sites may not read this service";
      return refuse(problem(c, 403, "ORIGIN_REFUSED", detail));
    }
    const waitS = rate.take(c.env?.address ?? "");
    if (waitS > 0) {
      const headers = { "retry-after": String(Math.ceil(waitS)) };
      const detail = `more than ${options.ratePerS} requests a second from one address`;
      return refuse(problem(c, 429, "RATE_LIMIT", detail, { headers, hint: "Ask less often." }));
    }
    if (expected !== undefined && !openPaths.has(c.req.path)) {
      const given = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
      // Hashing both sides gives equal lengths, so that the comparison tells nothing by its time.
      if (given === undefined || !timingSafeEqual(digest(given), expected)) {
        const headers = { "www-authenticate": 'Bearer realm="hftedge"' };
        const hint = "Send the token of http.token as Authorization: Bearer TOKEN.";
        const detail = given === undefined ? "a token is needed" : "the token is wrong";
        return refuse(problem(c, 401, "TOKEN", detail, { headers, hint }));
      }
    }
    return await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** "Name:8080" → "name", "[::1]:8080" → "::1". */
export function hostName(host: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host.trim());
  return (match?.[1] ?? match?.[2] ?? "").toLowerCase().replace(/\.$/, "");
}

const ipv4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function isOurs(name: string, hosts: ReadonlySet<string>, loopback: boolean): boolean {
  if (name === "") return false;
  if (name === "localhost" || hosts.has(name)) return true;
  // Rebinding needs a name that its owner can point here: a literal address names only itself.
  const literal = ipv4.test(name) || name.includes(":");
  if (!literal) return false;
  return !loopback || name.startsWith("127.") || name === "::1";
}

function sameOrigin(origin: string, host: string): boolean {
  try {
    return new URL(origin).host.toLowerCase() === host.toLowerCase();
  } catch {
    return false;
  }
}

/** A bucket of tokens for each address; addresses are forgotten when their bucket is full again. */
export class RateLimit {
  readonly #perS: number;
  readonly #clockMs: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(perS: number, clockMs: () => number) {
    this.#perS = perS;
    this.#clockMs = clockMs;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** 0 when the request may pass, else seconds to wait. */
  take(address: string): number {
    const nowMs = this.#clockMs();
    const burst = this.#perS * 2;
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      if (this.#buckets.size >= addressesMax) this.#forget(nowMs, burst);
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets.set(address, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * this.#perS);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#perS;
    bucket.tokens--;
    return 0;
  }

  #forget(nowMs: number, burst: number): void {
    for (const [address, { tokens, atMs }] of this.#buckets) {
      if (tokens + ((nowMs - atMs) / 1000) * this.#perS >= burst) this.#buckets.delete(address);
    }
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size >= addressesMax && oldest.done !== true) {
      this.#buckets.delete(oldest.value);
    }
  }
}

const addressesMax = 4096;
