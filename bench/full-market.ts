import { Side } from "../src/feed/event.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeDelete,
  encodeDirectory,
  encodeExecuted,
  encodeReplace,
  encodeTrade,
  stockBytes,
} from "../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../src/feed/moldudp64-encode.ts";

/**
 * A synthetic full market as MoldUDP64 datagrams of ITCH 5.0, one behind the other in one Buffer.
 *
 * The mix follows a whole day of the real feed: about 43 % adds, 42 % deletes, 8 % replaces, 4 %
 * executions, 2 % cancels, 1 % trades; the busiest of 8,000 instruments has 1 % of the activity,
 * orders stand near the touch, and four of five deletes hit an order of the last few thousand while
 * the rest hit any live one. Seeded: the same options give the same bytes.
 */
export interface FullMarket {
  /** All datagrams; datagram i is bytes [offsets[i], offsets[i + 1]). */
  bytes: Buffer;
  offsets: Int32Array;
  /** The datagrams before this one give the symbols and bring the live orders in. */
  warm: number;
  /** Messages in the datagrams from `warm` on. */
  messages: number;
}

export interface FullMarketOptions {
  instruments: number;
  liveOrders: number;
  messages: number;
  seed: number;
  /** Bytes of a datagram at most. */
  datagramBytes: number;
}

const recent = 4_096;

export function fullMarket(options: FullMarketOptions): FullMarket {
  const { instruments, liveOrders, messages } = options;
  const bytes = Buffer.alloc(45 * (instruments + liveOrders + messages));
  const offsets: number[] = [0];
  const packer = new MoldUdp64Packer("BENCH", options.datagramBytes);
  const stocks = Array.from({ length: instruments }, (_, i) => stockBytes(`S${i.toString(36)}`));
  const mids = Array.from({ length: instruments }, (_, i) => 100_000 + (i % 300) * 10_000);
  const capacity = liveOrders + recent;
  const refs = new Uint32Array(capacity);
  const locates = new Uint16Array(capacity);
  const sizes = new Uint32Array(capacity);
  let live = 0;
  let nextRef = 1;
  let used = 0;
  let timeNs = 34_200_000_000_000;
  let state = options.seed >>> 0;

  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const flush = (): void => {
    packer.bytes.copy(bytes, used, 0, packer.length);
    used += packer.length;
    offsets.push(used);
    packer.begin(packer.next);
  };
  const room = (): number => {
    if (!packer.room(50)) flush();
    timeNs += 1 + Math.floor(uniform() * 2_000);
    return packer.at;
  };
  const price = (locate: number, side: Side): number => {
    const away = 1 + Math.floor(8 * -Math.log(1 - uniform()));
    return mids[locate - 1]! + (side === Side.bid ? -100 : 100) * away;
  };
  const add = (): void => {
    const locate = 1 + Math.floor(instruments * uniform() ** 2);
    const side = uniform() < 0.5 ? Side.bid : Side.ask;
    const size = 100 * (1 + Math.floor(uniform() * 10));
    const stock = stocks[locate - 1]!;
    refs[live] = nextRef;
    locates[live] = locate;
    sizes[live] = size;
    const at = room();
    packer.end(
      encodeAdd(
        packer.bytes,
        at,
        locate,
        timeNs,
        0,
        nextRef++,
        side,
        size,
        stock,
        price(locate, side),
      ),
    );
    live++;
  };
  const remove = (index: number): void => {
    live--;
    refs[index] = refs[live]!;
    locates[index] = locates[live]!;
    sizes[index] = sizes[live]!;
  };

  packer.begin(1);
  for (let i = 0; i < instruments; i++) {
    const at = room();
    packer.end(encodeDirectory(packer.bytes, at, i + 1, timeNs, stocks[i]!));
  }
  for (let i = 0; i < liveOrders; i++) add();
  flush();
  const warm = offsets.length - 1;

  for (let i = 0; i < messages; i++) {
    const kind = uniform();
    const surplus = live - liveOrders;
    if (live < recent || kind < (surplus > 0 ? 0.42 : 0.44)) {
      if (live < capacity) add();
      continue;
    }
    const near = uniform() < 0.8;
    const index = near ? live - 1 - Math.floor(uniform() * recent) : Math.floor(uniform() * live);
    const locate = locates[index]!;
    const ref = refs[index]!;
    const size = sizes[index]!;
    const at = room();
    if (kind < 0.85) {
      packer.end(encodeDelete(packer.bytes, at, locate, timeNs, 0, ref));
      remove(index);
    } else if (kind < 0.93) {
      // Which side the order is on is not kept: a replacement stays at a price good for either.
      const mid = mids[locate - 1]!;
      packer.end(encodeReplace(packer.bytes, at, locate, timeNs, 0, ref, 0, nextRef, size, mid));
      refs[index] = nextRef++;
    } else if (kind < 0.97) {
      packer.end(encodeExecuted(packer.bytes, at, locate, timeNs, 0, ref, size, i));
      remove(index);
    } else if (kind < 0.99 && size > 100) {
      packer.end(encodeCancel(packer.bytes, at, locate, timeNs, 0, ref, 100));
      sizes[index] = size - 100;
    } else {
      const stock = stocks[locate - 1]!;
      packer.end(encodeTrade(packer.bytes, at, locate, timeNs, 100, stock, mids[locate - 1]!, i));
    }
  }
  flush();
  return { bytes: bytes.subarray(0, used), offsets: Int32Array.from(offsets), warm, messages };
}
