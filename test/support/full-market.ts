/**
 * A whole market in ITCH 5.0 within MoldUDP64, for benchmarks: thousands of instruments of which few
 * are busy, and millions of live orders of which most are old. Its mix of messages, lifetimes of
 * orders and steps between references are taken after a real capture (references in steps of four;
 * half of all orders live for a few messages of their instrument, and few live long).
 */
import { Side } from "../../src/feed/event.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeDelete,
  encodeExecuted,
  encodeReplace,
  stockBytes,
} from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { random, type Random } from "./random.ts";

export interface FullMarketOptions {
  instruments: number;
  /** Live orders before `stream` begins, and about as many ever after. */
  liveOrders: number;
  /** Messages of the stream. */
  messages: number;
  seed: number;
  /** Share of deletions and the like that hit any live order, whatever its age. */
  uniformShare: number;
}

/** Datagrams one after another in one buffer. */
export interface Datagrams {
  bytes: Buffer;
  /** Where each begins; one more than there are datagrams. */
  starts: Uint32Array;
  count: number;
  messages: number;
}

const datagramBytesMax = 1400;
const largestMessage = 36;

class Orders {
  readonly instrument: Uint16Array;
  readonly side: Uint8Array;
  readonly shares: Uint32Array;
  /** Ids of live orders in no order, and where each id stands in it (-1: gone). */
  readonly live: Uint32Array;
  readonly place: Int32Array;
  liveCount = 0;
  next = 0;

  constructor(capacity: number) {
    this.instrument = new Uint16Array(capacity);
    this.side = new Uint8Array(capacity);
    this.shares = new Uint32Array(capacity);
    this.live = new Uint32Array(capacity);
    this.place = new Int32Array(capacity).fill(-1);
  }

  add(instrument: number, side: number, shares: number): number {
    const id = this.next++;
    this.instrument[id] = instrument;
    this.side[id] = side;
    this.shares[id] = shares;
    this.place[id] = this.liveCount;
    this.live[this.liveCount++] = id;
    return id;
  }

  remove(id: number): void {
    const place = this.place[id]!;
    const last = this.live[--this.liveCount]!;
    this.live[place] = last;
    this.place[last] = place;
    this.place[id] = -1;
  }

  /** A live order: any one, or, more likely the younger it is, a recent one. */
  pick(rng: Random, uniformShare: number): number {
    if (rng.next() >= uniformShare) {
      for (let attempt = 0; attempt < 8; attempt++) {
        const age = Math.floor(Math.exp(rng.next() * Math.log(500_000)));
        const id = this.next - age;
        if (id >= 0 && this.place[id] !== -1) return id;
      }
    }
    return this.live[rng.int(this.liveCount)]!;
  }
}

/** The prefilled book (adds only) and the stream that follows it. */
export function fullMarket(options: FullMarketOptions): { prefill: Datagrams; stream: Datagrams } {
  const { instruments, liveOrders, messages } = options;
  const rng = random(options.seed);
  const orders = new Orders(liveOrders + messages);
  const stocks = Array.from({ length: instruments }, (_, i) => stockBytes(symbolOf(i)));
  const mids = Array.from({ length: instruments }, () => 50_000 + rng.int(20_000) * 100);
  const busy = zipf(instruments, rng);
  let now = 34_200e9;

  const priceOf = (instrument: number, side: number, ticks: number): number => {
    const away = Math.min(ticks, mids[instrument]! / 100 - 1) * 100;
    return mids[instrument]! + (side === Side.bid ? -away : away);
  };
  const ticks = (mean: number): number => 1 + Math.floor(-Math.log(1 - rng.next()) * mean);
  const add = (out: Buffer, at: number, instrument: number, meanTicks: number): number => {
    const side = rng.int(2) as Side;
    const shares = rng.next() < 0.6 ? 100 : 1 + rng.int(900);
    const ref = refOf(orders.add(instrument, side, shares));
    const price = priceOf(instrument, side, ticks(meanTicks));
    const [hi, lo] = halves(ref);
    return encodeAdd(
      out,
      at,
      instrument + 1,
      now,
      hi,
      lo,
      side,
      shares,
      stocks[instrument]!,
      price,
    );
  };

  const prefill = pack(liveOrders, 1, (out, at) => {
    now += 10;
    // Every instrument has some orders, and the busy ones have more.
    return add(out, at, rng.next() < 0.5 ? rng.int(instruments) : busy(), 30);
  });
  const stream = pack(messages, liveOrders + 1, (out, at) => {
    now += Math.floor(-Math.log(1 - rng.next()) * 3000);
    const roll = rng.next();
    const grow = orders.liveCount < liveOrders ? 0.49 : 0.43;
    if (roll < grow) return add(out, at, busy(), rng.next() < 0.8 ? 3 : 30);
    const id = orders.pick(rng, options.uniformShare);
    const instrument = orders.instrument[id]!;
    const [hi, lo] = halves(refOf(id));
    const shares = orders.shares[id]!;
    if (roll < 0.53) {
      const side = orders.side[id] as Side;
      orders.remove(id);
      const size = 1 + rng.int(500);
      const [newHi, newLo] = halves(refOf(orders.add(instrument, side, size)));
      const price = priceOf(instrument, side, ticks(3));
      return encodeReplace(out, at, instrument + 1, now, hi, lo, newHi, newLo, size, price);
    }
    if (roll < 0.57) {
      const taken = rng.next() < 0.7 ? shares : 1 + rng.int(shares);
      if (taken === shares) orders.remove(id);
      else orders.shares[id] = shares - taken;
      return encodeExecuted(out, at, instrument + 1, now, hi, lo, taken, id);
    }
    if (roll < 0.58 && shares > 1) {
      const taken = 1 + rng.int(shares - 1);
      orders.shares[id] = shares - taken;
      return encodeCancel(out, at, instrument + 1, now, hi, lo, taken);
    }
    orders.remove(id);
    return encodeDelete(out, at, instrument + 1, now, hi, lo);
  });
  return { prefill, stream };
}

function refOf(id: number): number {
  return 1_000_001 + id * 4;
}

function halves(value: number): [hi: number, lo: number] {
  return [Math.floor(value / 2 ** 32), value >>> 0];
}

/** Base 26, so that symbols look like symbols. */
function symbolOf(index: number): string {
  let symbol = "";
  for (let rest = index + 26; rest > 0; rest = Math.floor(rest / 26)) {
    symbol = String.fromCharCode(0x41 + (rest % 26)) + symbol;
  }
  return symbol;
}

/** Draws instruments by Zipf's law (exponent 0.9), the ranks shuffled over the indices. */
function zipf(count: number, rng: Random): () => number {
  const ranks = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [ranks[i], ranks[j]] = [ranks[j]!, ranks[i]!];
  }
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) sums[i] = sum += 1 / (i + 1) ** 0.9;
  return () => {
    const target = rng.next() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! < target) low = middle + 1;
      else high = middle;
    }
    return ranks[low]!;
  };
}

function pack(
  messages: number,
  sequence: number,
  write: (out: Buffer, at: number) => number,
): Datagrams {
  const packer = new MoldUdp64Packer("BENCH", datagramBytesMax);
  const bytes = Buffer.alloc(messages * 42 + datagramBytesMax);
  const starts = new Uint32Array(messages + 2);
  let count = 0;
  let end = 0;
  let next = sequence;
  for (let left = messages; left > 0;) {
    packer.begin(next);
    while (left > 0 && packer.room(largestMessage)) {
      packer.end(write(packer.bytes, packer.at));
      left--;
    }
    starts[count++] = end;
    packer.bytes.copy(bytes, end, 0, packer.length);
    end += packer.length;
    next = packer.next;
  }
  starts[count] = end;
  return { bytes: bytes.subarray(0, end), starts: starts.subarray(0, count + 1), count, messages };
}
