/**
 * The trading signal: its vocabulary and its one fixed-size record.
 *
 * The record is what travels everywhere: through shared memory to the other threads and, as it is,
 * over UDP. Little-endian, 128 bytes (two cache lines), every u64 as two u32 halves, low half first.
 *
 * ```
 *   0  u16 magic 0x4548 ("HE")         2  u8 layout version (1)      3  u8 kind (1 signal, 2 heartbeat)
 *   4  u16 record length (128)         6  u16 flags (SignalFlag)
 *   8  u64 run id                     16  u64 seq: counts this run's signals, from 1
 *  24  u64 inputSeq: the feed's sequence number of the message that caused it, 0 when none did
 *  32  u64 exchange time, epoch ns, 0 unknown
 *  40  u64 receive time, epoch ns (kernel)         48  u64 emit time, epoch ns
 *  56  u32 time to live, ms
 *  60  u32 age of the answer, ms; 0xfffffffe for 49 days and more, 0xffffffff unknown
 *  64  u64 price: the mid, in units of 10^-decimals (0 when the book has none)
 *  72  u64 state id                                80  u64 version of the model
 *  88  u16 feed index   90  u8 decision   91  u8 source   92  u8 reason   93  u8 decimals
 *  94  u16 confidence in 1/10,000
 *  96  char[16] symbol, space padded              112  char[16] feed name, space padded
 * ```
 *
 * A heartbeat has the same length; its seq is the last one issued and its decision is 0.
 */
export const Decision = { none: 0, buy: 1, sell: 2, hold: 3 } as const;
export type Decision = (typeof Decision)[keyof typeof Decision];
export const decisionNames = ["NONE", "BUY", "SELL", "HOLD"] as const;

/** Where the decision came from. The first four are answers; the rest are always HOLD. */
export const Source = {
  none: 0,
  l1: 1,
  l2: 2,
  model: 3,
  rules: 4,
  pending: 5,
  stale: 6,
  late: 7,
  held: 8,
  timeout: 9,
  error: 10,
} as const;
export type Source = (typeof Source)[keyof typeof Source];
export const sourceNames = Object.keys(Source) as readonly (keyof typeof Source)[];

/** Why, more finely than the source says it. */
export const Reason = {
  none: 0,
  gap: 1,
  silent: 2,
  neverSeen: 3,
  oneSided: 4,
  crossed: 5,
  halted: 6,
  partial: 7,
  capacity: 8,
  backlog: 9,
  operator: 10,
  rateLimit: 11,
  tooOld: 12,
  refused: 13,
  unreadable: 14,
  unreachable: 15,
  deadline: 16,
  queueFull: 17,
  belowMargin: 18,
  restart: 19,
  endOfSession: 20,
  shutdown: 21,
  unfollowed: 22,
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];
export const reasonNames = [
  "",
  "gap",
  "silent channel",
  "never seen",
  "one-sided book",
  "crossed book",
  "halted",
  "partial book",
  "capacity reached",
  "backlog",
  "operator",
  "rate limit",
  "answer too old",
  "refused",
  "unreadable answer",
  "model unreachable",
  "deadline",
  "queue full",
  "below margin",
  "restart",
  "end of session",
  "shutting down",
  "not followed",
] as const;

export const SignalFlag = {
  /** The receive time is the kernel's for the last datagram of a burst: a lower bound. */
  receiveSampled: 1,
  /** A standing signal repeated before its time to live ran out. */
  refresh: 2,
  /** The answer is older than asked for; a newer one is on its way. */
  revalidating: 4,
} as const;

export const RecordKind = { signal: 1, heartbeat: 2 } as const;
export const signalBytes = 128;
export const signalWords = signalBytes / 4;
export const confidenceScale = 10_000;
export const unknownAgeMs = 0xffffffff;
export const largestAgeMs = 0xfffffffe;
const magic = 0x4548;
const layoutVersion = 1;

/** Indexes of the fields as u32 words. */
export const Field = {
  head: 0,
  lengthFlags: 1,
  run: 2,
  seq: 4,
  inputSeq: 6,
  exchange: 8,
  receive: 10,
  emit: 12,
  ttlMs: 14,
  ageMs: 15,
  price: 16,
  state: 18,
  version: 20,
  feedDecisionSource: 22,
  reasonDecimalsConfidence: 23,
  symbol: 24,
  feedName: 28,
} as const;

const two32 = 4294967296;

/** Writes a non-negative integer ≤ 2^53 as two u32 halves, low half first. */
export function setU64(words: Uint32Array, at: number, value: number): void {
  words[at] = value % two32;
  words[at + 1] = value / two32;
}

/** Reads two u32 halves as a double; exact up to 2^53. */
export function getU64(words: Uint32Array, at: number): number {
  return (words[at + 1] as number) * two32 + (words[at] as number);
}

/**
 * Writes `base + offset`, where the base is an epoch time in ns (two halves: a double cannot hold
 * it) and the offset an exact double: below zero when the clock was set back soon after the start.
 */
export function setEpochNs(
  words: Uint32Array,
  at: number,
  baseHi: number,
  baseLo: number,
  offsetNs: number,
): void {
  const offsetHi = Math.floor(offsetNs / two32);
  const low = baseLo + (offsetNs - offsetHi * two32);
  words[at] = low;
  words[at + 1] = baseHi + offsetHi + (low >= two32 ? 1 : 0);
}

/** Lays down what never changes in a run: magic, version, length and run id; the rest is zero. */
export function initialiseRecord(words: Uint32Array, at: number, runId: number): void {
  words.fill(0, at, at + signalWords);
  setKindAndFlags(words, at, RecordKind.signal, 0);
  setU64(words, at + Field.run, runId);
}

export function setKindAndFlags(words: Uint32Array, at: number, kind: number, flags: number): void {
  words[at + Field.head] = magic | (layoutVersion << 16) | (kind << 24);
  words[at + Field.lengthFlags] = signalBytes | (flags << 16);
}

/** Pads `text` with spaces to 16 bytes of ASCII and writes it as four words. */
export function setText16(words: Uint32Array, at: number, text: string): void {
  for (let word = 0; word < 4; word++) {
    let value = 0;
    for (let byte = 3; byte >= 0; byte--) {
      const index = word * 4 + byte;
      value = (value << 8) | (index < text.length ? text.charCodeAt(index) & 0x7f : 0x20);
    }
    words[at + word] = value;
  }
}

export function getText16(words: Uint32Array, at: number): string {
  let text = "";
  for (let index = 0; index < 16; index++) {
    const word = words[at + (index >> 2)] as number;
    text += String.fromCharCode((word >>> ((index & 3) * 8)) & 0xff);
  }
  return text.trimEnd();
}

/** Whether a record begins at word `at`: magic, layout version and length agree. */
export function isRecord(words: Uint32Array, at = 0): boolean {
  return (
    ((words[at + Field.head] as number) & 0xffffff) === (magic | (layoutVersion << 16)) &&
    ((words[at + Field.lengthFlags] as number) & 0xffff) === signalBytes
  );
}

/** One signal, decoded for people and for JSON. 64-bit values beyond a double are strings. */
export interface Signal {
  kind: "signal" | "heartbeat";
  run: string;
  seq: number;
  feed: string;
  inputSeq: number;
  symbol: string;
  signal: (typeof decisionNames)[number];
  /** 0–1. */
  confidence: number;
  source: keyof typeof Source;
  reason: string;
  /** Age of the answer; null when there is none. */
  ageMs: number | null;
  version: string;
  state: string;
  /** The mid, in the currency of the feed. */
  price: number;
  /** Epoch ns as decimal text, "0" when unknown. */
  exchangeTime: string;
  receiveTime: string;
  emitTime: string;
  ttlMs: number;
  /** Kernel receive → emit, ns. */
  latencyNs: number;
  sampled: boolean;
  refresh: boolean;
  revalidating: boolean;
}

function u64Text(words: Uint32Array, at: number): string {
  return ((BigInt(words[at + 1] as number) << 32n) | BigInt(words[at] as number)).toString();
}

function u64Hex(words: Uint32Array, at: number): string {
  const high = (words[at + 1] as number).toString(16).padStart(8, "0");
  return high + (words[at] as number).toString(16).padStart(8, "0");
}

/** ns from receive to emit; exact, since both are within one run. */
export function recordLatencyNs(words: Uint32Array, at = 0): number {
  const emit = at + Field.emit;
  const receive = at + Field.receive;
  return (
    ((words[emit + 1] as number) - (words[receive + 1] as number)) * two32 +
    ((words[emit] as number) - (words[receive] as number))
  );
}

/** Decodes one record. Allocates: for readers off the hot path. */
export function readSignal(words: Uint32Array, at = 0): Signal {
  const flags = (words[at + Field.lengthFlags] as number) >>> 16;
  const origin = words[at + Field.feedDecisionSource] as number;
  const detail = words[at + Field.reasonDecimalsConfidence] as number;
  const age = words[at + Field.ageMs] as number;
  const heartbeat = (words[at + Field.head] as number) >>> 24 === RecordKind.heartbeat;
  return {
    kind: heartbeat ? "heartbeat" : "signal",
    run: u64Hex(words, at + Field.run),
    seq: getU64(words, at + Field.seq),
    feed: getText16(words, at + Field.feedName),
    inputSeq: getU64(words, at + Field.inputSeq),
    symbol: getText16(words, at + Field.symbol),
    signal: decisionNames[(origin >>> 16) & 0xff] ?? "NONE",
    confidence: (detail >>> 16) / confidenceScale,
    source: sourceNames[origin >>> 24] ?? "none",
    reason: reasonNames[detail & 0xff] ?? "",
    ageMs: age === unknownAgeMs ? null : age,
    version: u64Hex(words, at + Field.version),
    state: u64Text(words, at + Field.state),
    price: getU64(words, at + Field.price) / 10 ** ((detail >>> 8) & 0xff),
    exchangeTime: u64Text(words, at + Field.exchange),
    receiveTime: u64Text(words, at + Field.receive),
    emitTime: u64Text(words, at + Field.emit),
    ttlMs: words[at + Field.ttlMs] as number,
    latencyNs: recordLatencyNs(words, at),
    sampled: (flags & SignalFlag.receiveSampled) !== 0,
    refresh: (flags & SignalFlag.refresh) !== 0,
    revalidating: (flags & SignalFlag.revalidating) !== 0,
  };
}

/** The JSON form, one object on one line without its end. */
export function signalJson(signal: Signal): string {
  if (signal.kind === "signal") return JSON.stringify(signal);
  const { kind, run, seq, emitTime } = signal;
  return JSON.stringify({ kind, run, seq, emitTime });
}
