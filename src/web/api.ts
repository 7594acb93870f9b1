/**
 * The API as the page sees it: only the fields that are shown. Everything from outside is taken as
 * data; what is missing is shown as missing.
 */

export interface StageStatus {
  name: string;
  headline: boolean;
  /** Durations recorded in the last second. */
  ratePerS: number;
  count: number;
  errors: number;
  p50Ns: number | null;
  p99Ns: number | null;
  p999Ns: number | null;
  maxNs: number | null;
  /** 0–1; null when nothing was tried. */
  successRate: number | null;
  thresholdNs: number | null;
  total: number;
}

export interface SignalNews {
  seq: number;
  feed: string;
  inputSeq: number;
  symbol: string;
  signal: string;
  confidence: number;
  source: string;
  reason: string;
  ageMs: number | null;
  version: string;
  state: string;
  price: number;
  /** Epoch ns as decimal text. */
  emitTime: string;
  ttlMs: number;
  latencyNs: number;
}

export interface SymbolNews {
  symbol: string;
  feed: string;
  bid: number | null;
  bidSize: number;
  ask: number | null;
  askSize: number;
  last: number | null;
  lastSize: number;
  trades: number;
  signal: string;
  confidence: number;
  source: string;
  reason: string;
  /** In words; null while the book has no state. */
  state: string | null;
  held: boolean;
  signalAgeMs: number | null;
  updateAgeMs: number | null;
}

export interface AlertNews {
  id: number;
  rule: string;
  subject: string;
  severity: string;
  summary: string;
  limit: number;
  unit: string;
  openedMs: number;
  lastMs: number;
  resolvedMs: number | null;
  count: number;
  worst: number;
}

export interface Status {
  seq: number;
  atMs: number;
  startedMs: number;
  version: string;
  commit: string;
  run: string;
  windowS: number;
  readiness: {
    status: string;
    reasons: readonly { part: string; status: string; message: string }[];
  };
  threads: readonly { name: string; beatAgeMs: number | null; restarts: number }[];
  stages: readonly StageStatus[];
  clocksAgree: boolean;
  feed: {
    state: string;
    datagramsPerS: number;
    messagesPerS: number;
    bytesPerS: number;
    datagrams: number;
    messages: number;
    drops: number;
    gaps: number;
    lostMessages: number;
    channels: number;
    staleChannels: number;
    instruments: number;
    staleInstruments: number;
    heldInstruments: number;
  };
  cache: {
    hitsPerS: number;
    missesPerS: number;
    l1Share: number | null;
    l2Share: number | null;
    entries: number;
    entriesLimit: number;
    pending: number;
  };
  inference: {
    state: string;
    engine: string;
    model: string;
    version: string;
    answersPerS: number;
    queued: number;
    inFlight: number;
    errors: number;
    hosts: number;
    hostsUp: number;
    p50Ns: number | null;
    p99Ns: number | null;
  };
  store: { state: string; bytes: number; diskFreeBytes: number | null; waitingSeconds: number };
  host: {
    cpuRatio: number;
    loadOne: number;
    memoryRatio: number;
    residentBytes: number;
    memoryLimitBytes: number;
    memoryLocked: boolean;
  };
  signals: { perS: number; total: number; newest: readonly SignalNews[] };
  alerts: readonly AlertNews[];
  http: { subscribers: number; requests: number };
}

/** Lists come in pages, newest first. */
export interface Page<Item> {
  items: Item[];
  /** Cursor of the next page; null on the last. */
  next: string | null;
}

/** An answer that was refused, in the server's own words. */
export class RefusedError extends Error {
  readonly status: number;
  readonly hint: string;

  constructor(status: number, message: string, hint: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

const tokenKey = "hftedge-token";

/** The token of this tab; it ends with the tab. */
export function readToken(): string {
  return sessionStorage.getItem(tokenKey) ?? "";
}

export function keepToken(token: string): void {
  sessionStorage.setItem(tokenKey, token);
}

/** Longest wait for an answer: a year's heat map takes a moment. */
const answerMs = 20_000;

/** Throws RefusedError, or whatever fetch throws when nobody answers. */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(answerMs);
  const response = await fetch(path, {
    headers: headers(),
    cache: "no-cache",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  });
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return body as T;
  const { detail, hint } = body;
  throw new RefusedError(
    response.status,
    typeof detail === "string" ? detail : `HTTP ${response.status}`,
    typeof hint === "string" ? hint : "",
  );
}

function headers(): Record<string, string> {
  const token = readToken();
  const accept = { accept: "application/json" };
  return token === "" ? accept : { ...accept, authorization: `Bearer ${token}` };
}

/** A number, or NaN for what is none: formats show that as "-". */
export function numberOf(value: number | null | undefined): number {
  return value ?? Number.NaN;
}
