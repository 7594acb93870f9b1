/**
 * Decoding and books on a whole market: 8,000 instruments, two million live orders, which fit into
 * no cache. Each case runs in a process of its own, so that every call site sees one class, as in
 * the product; each message is applied once, since applying it changes the books.
 *
 *   bun bench/market.bench.ts [--messages=N] [--live=N] [--case=NAME] [--uniform=SHARE]
 *     [--prefetch=0|1] [--huge=0|1]
 */
import { figure } from "./report.ts";
import { memoryUsage } from "bun:jsc";
import { FeedCount, feedCountSize } from "../src/feed/count.ts";
import type { MarketEvents } from "../src/feed/event.ts";
import type { DatagramDecoder } from "../src/feed/decoder.ts";
import { formats } from "../src/feed/format.ts";
import { allocateHuge } from "../src/host/huge-page.ts";
import { BookSet } from "../src/market/book.ts";
import { StateCoder } from "../src/market/coder.ts";
import { BookCount } from "../src/market/fault.ts";
import { FeatureSet } from "../src/market/feature.ts";
import { InstrumentTable } from "../src/market/instrument.ts";
import { StateSpace } from "../src/market/state.ts";
import { fullMarket, type Datagrams } from "../test/support/full-market.ts";
import { NaiveBooks } from "../test/support/naive-book.ts";

const instruments = option("instruments", 8000);
const cases = ["decode", "book", "state", "naive"] as const;

function option(name: string, fallback: number): number {
  const text = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  return text === undefined ? fallback : Number(text.slice(name.length + 3));
}

const liveOrders = option("live", 2_000_000);
const messages = option("messages", 3_000_000);
const uniformShare = option("uniform", 0.1);

/** Takes every event and does as little as the compiler lets it. */
class NoBooks implements MarketEvents {
  sum = 0;
  instrument(bytes: Uint8Array, offset: number): number {
    return bytes[offset]! & 1;
  }
  time(marketNs: number): void {
    this.sum += marketNs;
  }
  instrumentOf(): number {
    return 0;
  }
  prefetch(): void {}
  addOrder(_i: number, hi: number, lo: number, side: number, size: number, price: number): void {
    this.sum += hi + lo + side + size + price;
  }
  executeOrder(_i: number, hi: number, lo: number, size: number): void {
    this.sum += hi + lo + size;
  }
  executeOrderAt(_i: number, hi: number, lo: number, size: number): void {
    this.sum += hi + lo + size;
  }
  resizeOrder(_i: number, hi: number, lo: number, size: number): void {
    this.sum += hi + lo + size;
  }
  cancelOrder(_i: number, hi: number, lo: number, size: number): void {
    this.sum += hi + lo + size;
  }
  deleteOrder(_i: number, hi: number, lo: number): void {
    this.sum += hi + lo;
  }
  replaceOrder(_i: number, hi: number, lo: number, newHi: number, newLo: number): void {
    this.sum += hi + lo + newHi + newLo;
  }
  setLevel(): void {}
  quote(): void {}
  trade(): void {}
  tradingState(): void {}
  clear(): void {}
  markPartial(): void {}
}

function createBooks(): BookSet {
  const table = new InstrumentTable(16_384, [{ priceDecimals: 4, tickSize: 100 }]);
  const limits = {
    orders: Math.ceil(liveOrders * 1.25),
    levels: 1 << 21,
    levelsPerSide: 4096,
  };
  return new BookSet(table, 0, limits, option("huge", 1) === 1 ? allocateHuge : undefined);
}

interface Result {
  bestNs: number;
  nsPerMessage: number;
  heapBytesPerMillion: number;
  note: string;
}

/** Datagrams lie in buffers of their own when they are timed, warm as the kernel leaves them. */
const batch = Array.from({ length: 64 }, () => Buffer.alloc(2048));
const lengths = new Uint32Array(batch.length);

/** Applies datagrams and returns the ns it took. `after` is called once a datagram. */
function apply(
  decoder: DatagramDecoder,
  { bytes, starts }: Datagrams,
  first: number,
  end: number,
  after: () => void,
): number {
  let ns = 0;
  for (let i = first; i < end; i += batch.length) {
    const count = Math.min(batch.length, end - i);
    for (let j = 0; j < count; j++) {
      lengths[j] = bytes.copy(batch[j]!, 0, starts[i + j]!, starts[i + j + 1]!);
    }
    const began = Bun.nanoseconds();
    for (let j = 0; j < count; j++) {
      decoder.decode(batch[j]!, lengths[j]!, 0, 0);
      after();
    }
    ns += Bun.nanoseconds() - began;
  }
  return ns;
}

function measure(name: (typeof cases)[number]): Result {
  const { prefill, stream } = fullMarket({
    instruments,
    liveOrders,
    messages,
    seed: 20260130,
    uniformShare,
  });
  const books = name === "book" || name === "state" ? createBooks() : undefined;
  const events: MarketEvents = books ?? (name === "naive" ? new NaiveBooks() : new NoBooks());
  const counters = new Uint32Array(feedCountSize);
  const decoder = formats.itch50.create(events, counters, {
    channels: 1,
    maxJump: 2 ** 31,
    prefetch: option("prefetch", 1) === 1,
    instruments: 16_384,
    baseEpochNs: 0n,
    priceDecimals: 4,
    sizeDecimals: 0,
    timestampUnit: "ns",
  });
  let after = (): void => books?.clearTouched();
  let states = 0;
  if (name === "state") {
    const windows = { momentumNs: 10e9, flowNs: 10e9, volatilityNs: 30e9 };
    const features = new FeatureSet(16_384, windows);
    const space = new StateSpace({
      preset: "microstructure",
      windows,
      instruments: 16_384,
      denseStates: 1 << 20,
    });
    const coder = new StateCoder(space, 16_384);
    const key = new Uint32Array(space.keyWords);
    const set = books!;
    after = () => {
      for (let i = 0; i < set.touchedCount; i++) {
        const instrument = set.touched[i]!;
        features.update(set, instrument);
        coder.stateOf(instrument, features, key);
        states++;
      }
      set.clearTouched();
    };
  }
  apply(decoder, prefill, 0, prefill.count, after);
  const warm = Math.floor(stream.count / 4);
  apply(decoder, stream, 0, warm, after);
  Bun.gc(true);
  // heapStats changes at a collection only; this one sees garbage that still lies about.
  const heapBefore = memoryUsage().current;
  let heapMost = heapBefore;
  const before = counters[FeedCount.messages]!;
  const statesBefore = states;
  // The median of twelve parts, and the best: on a shared machine a neighbour only makes it slower.
  const times: number[] = [];
  const part = Math.floor((stream.count - warm) / 12);
  for (let i = 0; i < 12; i++) {
    const from = counters[FeedCount.messages]!;
    const ns = apply(decoder, stream, warm + i * part, warm + (i + 1) * part, after);
    heapMost = Math.max(heapMost, memoryUsage().current);
    times.push(ns / (counters[FeedCount.messages]! - from));
  }
  const applied = counters[FeedCount.messages]! - before;
  const grown = heapMost - heapBefore;
  let note = `${(applied / (part * 12)).toFixed(1)} messages/datagram`;
  if (books !== undefined) {
    const { orphans, ordersFull, levelsFull } = BookCount;
    const lost = [orphans, ordersFull, levelsFull].map((id) => books.counts[id]);
    note += `, ${books.orders.count} orders live, ${books.ladders.pool.used} levels, lost ${lost.join("/")}`;
  }
  if (states > 0) note += `, ${((states - statesBefore) / applied).toFixed(2)} states/message`;
  times.sort((a, b) => a - b);
  return {
    nsPerMessage: times[6]!,
    bestNs: times[0]!,
    heapBytesPerMillion: (grown / applied) * 1e6,
    note,
  };
}

const only = process.argv.find((argument) => argument.startsWith("--case="))?.slice(7);
if (only !== undefined) {
  console.log(JSON.stringify(measure(only as (typeof cases)[number])));
} else {
  for (const name of cases) {
    const child = Bun.spawnSync(
      [process.execPath, import.meta.path, ...process.argv.slice(2), `--case=${name}`],
      {
        stderr: "inherit",
      },
    );
    const { nsPerMessage, bestNs, heapBytesPerMillion, note } = JSON.parse(
      child.stdout.toString(),
    ) as Result;
    figure(import.meta.path, name, nsPerMessage, "ns");
    const rate = (1000 / nsPerMessage).toFixed(1).padStart(6);
    const heap = Math.round(heapBytesPerMillion / 1024);
    console.log(
      `${name.padEnd(8)} ${nsPerMessage.toFixed(1).padStart(7)} ns/message ${rate} M/s  best ${bestNs.toFixed(1)}  heap ${heap} KiB/million  (${note})`,
    );
  }
}
