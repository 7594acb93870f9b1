/**
 * A day of a feed in virtual time: one sender, two lines with their own loss, duplication and delay,
 * a request server, sessions that end and begin. Everything follows from the seed.
 */
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { GapEnd } from "../../src/feed/gap.ts";
import { GlimpseClient } from "../../src/feed/glimpse.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import { encodeAdd, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64 } from "../../src/feed/moldudp64.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { soupBinAccepted, soupBinPacket } from "../../src/feed/soupbintcp.ts";
import { type Random, random } from "../support/random.ts";
import { EventLog } from "./event-log.ts";

export interface LineWeather {
  loss: number;
  duplication: number;
  /** Share of datagrams that are delayed by up to `delayNs` on top of the usual. */
  reordering: number;
  delayNs: number;
}

export interface Weather {
  lines: readonly LineWeather[];
  /** Of requests and of answers, each; 1: there is no server. */
  serverLoss: number;
  /** Of snapshots that break off; 1: there are none. */
  snapshotLoss: number;
  sessions: number;
  /** Datagrams of each session. */
  datagrams: number;
  messagesMax: number;
}

/** What came of it. */
export interface Outcome {
  sent: number;
  applied: number;
  /** Messages applied twice or out of order. */
  wrong: number;
  /** Messages that the books of a session went without, and those that were reported as lost. */
  missing: number;
  reported: number;
  /** Messages at which the channel was called whole although something was missing. */
  wronglyTrusted: number;
  /** Whether the channel was called whole at the end, and whether the books lacked nothing. */
  whole: boolean;
  complete: boolean;
  snapshots: number;
  requests: number;
  gaps: number;
}

interface Arrival {
  atNs: number;
  line: number;
  bytes: Buffer;
}

const stock = stockBytes("AAPL");
const gapNs = 10_000;
const tripNs = 50_000;

/** The order in a snapshot that stands for everything before it has this bit in its session. */
const snapshotBit = 0x8000_0000;

/** Holds every message against the sender's order. The reference is session and sequence. */
class Follower extends EventLog {
  session = 0;
  next = 1;
  applied = 0;
  wrong = 0;
  missing = 0;
  #cleared = false;

  override addOrder(_instrument: number, mark: number, sequence: number): void {
    const snapshot = mark >= snapshotBit;
    const session = snapshot ? mark - snapshotBit : mark;
    if (this.#cleared && session !== this.session) this.next = 1;
    if (this.#cleared) this.session = session;
    // A snapshot takes the place of what was known, be it older or newer.
    if (snapshot && this.#cleared) this.next = sequence;
    this.#cleared = false;
    if (session !== this.session || sequence < this.next) {
      this.wrong++;
      return;
    }
    if (!snapshot) this.applied++;
    this.missing += sequence - this.next;
    this.next = sequence + 1;
  }
  override clear(): void {
    this.#cleared = true;
    this.missing = 0;
  }
}

class Sender {
  readonly packer: MoldUdp64Packer;
  readonly session: number;
  next = 1;

  constructor(session: number) {
    this.session = session;
    this.packer = new MoldUdp64Packer(`S${session}`, 1400);
  }

  /** Messages [first, first + count), as many as fit into a packet. */
  packet(first: number, count: number): Buffer {
    const { packer, session } = this;
    packer.begin(first);
    for (let i = first; i < first + count && packer.room(40); i++) {
      const { bytes, at } = packer;
      let length = encodeAdd(bytes, at, 1, i, session, i, 0, 100, stock, 10_000);
      // The longer form, so that datagrams differ in where their messages begin.
      if (i % 3 === 0) length += bytes.write("MPID", at + length, "latin1");
      bytes[at] = i % 3 === 0 ? 0x46 : 0x41;
      packer.end(length);
    }
    return Buffer.from(packer.bytes.subarray(0, packer.length));
  }

  /** A snapshot of everything before `next`: one order stands for it. */
  books(next: number): Buffer {
    const out = Buffer.alloc(64);
    const last = next - 1;
    const order = encodeAdd(out, 0, 1, 1, this.session + snapshotBit, last, 0, 100, stock, 10_000);
    const end = Buffer.from(`G${String(next).padStart(20)}`, "latin1");
    return Buffer.concat([
      soupBinAccepted("G", 1),
      last === 0 ? Buffer.alloc(0) : soupBinPacket("S", out.subarray(0, order)),
      soupBinPacket("S", end),
    ]);
  }

  sign(end: boolean): Buffer {
    if (end) this.packer.endOfSession(this.next);
    else this.packer.heartbeat(this.next);
    return Buffer.from(this.packer.bytes.subarray(0, this.packer.length));
  }
}

/** Arrivals in the order of their time; those of one time in the order in which they were put in. */
class Agenda {
  readonly #heap: Arrival[] = [];

  get first(): Arrival | undefined {
    return this.#heap[0];
  }

  put(arrival: Arrival): void {
    const heap = this.#heap;
    heap.push(arrival);
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (heap[up]!.atNs <= heap[i]!.atNs) break;
      [heap[up], heap[i]] = [heap[i]!, heap[up]!];
      i = up;
    }
  }

  take(): Arrival {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && heap[child]!.atNs < heap[least]!.atNs) least = child;
      }
      if (least === i) return first;
      [heap[least], heap[i]] = [heap[i]!, heap[least]!];
      i = least;
    }
  }
}

export function simulate(seed: number, weather: Weather, recovery: RecoveryOptions): Outcome {
  const rng = random(seed);
  const agenda = new Agenda();
  const follower = new Follower();
  const counters = new Uint32Array(feedCountSize);
  const itch = new Itch50(follower, counters);
  const clear = (): void => follower.clear();
  const decoder = new MoldUdp64(itch, counters, 1e9, recovery, false, clear);
  const attempts = weather.snapshotLoss < 1 ? 20 : 0;
  const glimpse = { username: "", password: "", timeoutNs: 1e9, attempts, retryNs: 100_000 };
  const client = new GlimpseClient(glimpse, decoder.arbiter, itch, 0);
  const senders: Sender[] = [];
  const outcome: Outcome = {
    sent: 0,
    applied: 0,
    wrong: 0,
    missing: 0,
    reported: 0,
    wronglyTrusted: 0,
    whole: true,
    complete: false,
    snapshots: 0,
    requests: 0,
    gaps: 0,
  };
  let nowNs = 0;

  /** The engine's rule: what a verdict says about the trust in the books. */
  const judge = (verdict: number): void => {
    const sound = (verdict & (Verdict.held | Verdict.broken)) === 0;
    const anew = Verdict.restart | Verdict.sessionChange | Verdict.recovered;
    if ((verdict & anew) !== 0 && sound) outcome.whole = true;
    if ((verdict & (Verdict.gap | Verdict.damaged)) !== 0) outcome.whole = false;
    if (outcome.whole && follower.missing > 0) outcome.wronglyTrusted++;
  };
  const answer = (): void => {
    for (let request = decoder.takeRequest(); request; request = decoder.takeRequest()) {
      outcome.requests++;
      if (rng.next() < weather.serverLoss || rng.next() < weather.serverLoss) continue;
      const name = request.toString("latin1", 0, 10).trim();
      const sender = senders[Number(name.slice(1))]!;
      const first = Number(request.readBigUInt64BE(10));
      const count = Math.min(request.readUInt16BE(18), sender.next - first);
      const bytes = sender.packet(first, count);
      const line = weather.lines.length;
      agenda.put({ atNs: nowNs + tripNs + rng.int(tripNs), line, bytes });
    }
  };
  /** The server is at most a few datagrams behind; what it says arrives a while later. */
  const snapshot = (): void => {
    if (!client.wants(nowNs)) return;
    client.open(nowNs);
    const sender = senders.at(-1)!;
    const next = Math.max(1, sender.next - rng.int(3) * weather.messagesMax);
    agenda.put({
      atNs: nowNs + tripNs + rng.int(10 * tripNs),
      line: -1,
      bytes: sender.books(next),
    });
  };
  const receive = (line: number, bytes: Buffer): number => {
    if (line >= 0) return decoder.decode(bytes, bytes.length, line, nowNs);
    if (rng.next() < weather.snapshotLoss) return client.closed(nowNs);
    return client.receive(bytes, bytes.length, nowNs);
  };
  const advance = (untilNs: number): void => {
    while (decoder.deadlineNs <= untilNs && decoder.deadlineNs !== Number.POSITIVE_INFINITY) {
      nowNs = Math.max(nowNs, decoder.deadlineNs);
      judge(decoder.poll(nowNs));
      answer();
      snapshot();
    }
    nowNs = Math.max(nowNs, untilNs);
  };
  const arrive = (untilNs: number): void => {
    for (let next = agenda.first; next !== undefined && next.atNs <= untilNs; next = agenda.first) {
      const { atNs, line, bytes } = agenda.take();
      advance(atNs);
      judge(receive(line, bytes));
      answer();
      snapshot();
    }
  };
  const transmit = (atNs: number, bytes: Buffer): void => {
    for (const [line, { loss, duplication, reordering, delayNs }] of weather.lines.entries()) {
      const copies = (rng.next() < loss ? 0 : 1) + (rng.next() < duplication ? 1 : 0);
      for (let copy = 0; copy < copies; copy++) {
        const late = rng.next() < reordering ? rng.int(delayNs) : 0;
        agenda.put({ atNs: atNs + 5_000 + rng.int(3_000) + late, line, bytes });
      }
    }
  };

  let sendNs = 0;
  for (let session = 0; session < weather.sessions; session++) {
    const sender = new Sender(session);
    senders.push(sender);
    if (session === 0) {
      // The receiver was there from the beginning: this sign of life is not lost.
      const bytes = sender.sign(false);
      for (const line of weather.lines.keys()) agenda.put({ atNs: sendNs, line, bytes });
    }
    for (let i = 0; i < weather.datagrams; i++) {
      sendNs += 1 + rng.int(2 * gapNs);
      const count = 1 + rng.int(weather.messagesMax);
      const bytes = sender.packet(sender.next, count);
      sender.next += bytes.readUInt16BE(18);
      transmit(sendNs, bytes);
      if (rng.int(50) === 0) transmit(sendNs + 1, sender.sign(false));
      arrive(sendNs);
    }
    // Quiet enough for everything to be found missing, asked for and given up.
    for (let i = 0; i < 60; i++) {
      sendNs += 1_000_000;
      transmit(sendNs, sender.sign(i > 50));
      arrive(sendNs);
    }
    arrive(sendNs + 10_000_000);
    advance(sendNs + 100_000_000);
    sendNs += 100_000_000;
    outcome.sent += sender.next - 1;
    outcome.missing += follower.missing + (sender.next - follower.next);
  }
  const { gaps } = decoder.arbiter;
  outcome.complete = follower.missing === 0 && follower.next === senders.at(-1)!.next;
  outcome.snapshots = client.snapshots;
  outcome.applied = follower.applied;
  outcome.wrong = follower.wrong;
  outcome.gaps = gaps.ended;
  for (let i = 0; i < gaps.ended; i++) {
    const gap = gaps.read(i);
    if (gap?.end === GapEnd.lost) outcome.reported += gap.to - gap.from;
  }
  return outcome;
}

export function someWeather(rng: Random): Weather {
  const line = (): LineWeather => ({
    loss: rng.int(3) === 0 ? rng.next() * 0.3 : 0.01,
    duplication: rng.next() * 0.05,
    reordering: rng.next() * 0.1,
    delayNs: 1 + rng.int(200_000),
  });
  return {
    lines: [line(), line()],
    serverLoss: rng.int(4) === 0 ? 1 : rng.next() * 0.5,
    snapshotLoss: rng.int(2) === 0 ? 1 : rng.next() * 0.2,
    sessions: 1 + rng.int(3),
    datagrams: 20 + rng.int(100),
    messagesMax: 1 + rng.int(40),
  };
}
