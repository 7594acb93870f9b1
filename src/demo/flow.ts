/**
 * What traders do in the synthetic market: adds near the touch, cancels, replaces, marketable orders
 * over several prices, hidden trades, all leaning the way the fair price goes. It keeps the live orders
 * and writes each action's messages into the datagram under construction, consistently: every
 * reference is live, no book is ever crossed, and no side runs empty.
 */
import { Side } from "../feed/event.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeDelete,
  encodeExecuted,
  encodeReplace,
  encodeTrade,
} from "../feed/itch50-encode.ts";
import type { MoldUdp64Packer } from "../feed/moldudp64-encode.ts";
import type { Random } from "../replay/random.ts";
import type { DemoInstrument } from "./instrument.ts";
import { type BookSide, Ladder, ordersPerSideMax } from "./ladder.ts";
import { FairPrice } from "./price.ts";

const tickUnits = 100; // 0.01 in units of 10^-4
/** The least orders that are left on a side, so that a book never runs empty. */
const ordersPerSideMin = 4;
const thinSide = 8;
const openingOrders = 20;
/** The most prices that one marketable order trades through. */
const sweepPricesMax = 3;

/** How exciting a marketable order and anything else is; weighted by their shares the mean is 1. */
const sweepShare = 0.12;
const sweepExcitement = 2.2;
const otherExcitement = (1 - sweepShare * sweepExcitement) / (1 - sweepShare);

const { bid, ask } = Side;

export class OrderFlow {
  readonly ladders: readonly Ladder[];
  /** Time of the messages that are written, ns since midnight. */
  timeNs = 0;
  readonly #packer: MoldUdp64Packer;
  readonly #random: Random;
  readonly #stocks: readonly Uint8Array[];
  readonly #fair: readonly FairPrice[];
  /** Virtual time in seconds at which each fair price was last moved. */
  readonly #movedAt: Float64Array;
  #references = 0;
  #matches = 0;

  constructor(
    packer: MoldUdp64Packer,
    random: Random,
    instruments: readonly DemoInstrument[],
    stocks: readonly Uint8Array[],
  ) {
    this.#packer = packer;
    this.#random = random;
    this.#stocks = stocks;
    this.ladders = instruments.map(() => new Ladder());
    this.#fair = instruments.map((i) => new FairPrice(i, random));
    this.#movedAt = new Float64Array(instruments.length);
    instruments.forEach((_, index) => this.#fill(index));
  }

  /** The orders that the market starts with, around the anchor. */
  #fill(instrument: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    const fair = Math.round((this.#fair[instrument] as FairPrice).ticks);
    for (let i = 0; i < openingOrders; i++) {
      const depth = 1 + Math.floor(i / 2);
      ladder.insert(bid, ++this.#references, this.#lot(), fair - depth);
      ladder.insert(ask, ++this.#references, this.#lot(), fair + depth);
    }
  }

  /** One action on an instrument at this virtual time; returns how exciting it was (mean 1). */
  act(instrument: number, seconds: number): number {
    const ladder = this.ladders[instrument] as Ladder;
    const fair = this.#fair[instrument] as FairPrice;
    const random = this.#random;
    fair.pass(seconds - (this.#movedAt[instrument] as number));
    this.#movedAt[instrument] = seconds;
    const mid = (ladder.price(bid, 0) + ladder.price(ask, 0)) / 2;
    const lean = Math.max(-3, Math.min(3, (fair.ticks - mid) / 2));
    const buying = 1 / (1 + Math.exp(-1.2 * lean));
    const orders = ladder.count(bid) + ladder.count(ask);
    const adding = Math.max(0.25, Math.min(0.7, 0.65 - orders / 250));
    const roll = random.next();
    let excitement = otherExcitement;
    if (ladder.count(bid) < thinSide) this.#add(instrument, bid, fair.ticks);
    else if (ladder.count(ask) < thinSide) this.#add(instrument, ask, fair.ticks);
    else if (roll < sweepShare) {
      this.#sweep(instrument, random.chance(buying) ? ask : bid);
      excitement = sweepExcitement;
    } else if (roll < sweepShare + adding * (1 - sweepShare)) {
      this.#add(instrument, random.chance(0.2 + 0.6 * buying) ? bid : ask, fair.ticks);
    } else if (random.chance(0.3)) {
      this.#replace(instrument, random.chance(buying) ? bid : ask, fair.ticks);
    } else if (random.chance(0.04)) this.#hidden(instrument);
    // Who quotes against the way the price goes pulls first.
    else this.#cancel(instrument, random.chance(buying) ? ask : bid, fair.ticks);
    return excitement;
  }

  #add(instrument: number, side: BookSide, fair: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    if (ladder.count(side) === ordersPerSideMax)
      this.#delete(instrument, side, ordersPerSideMax - 1);
    const price = this.#quote(ladder, side, fair);
    const shares = this.#lot();
    const reference = ++this.#references;
    ladder.insert(side, reference, shares, price);
    this.sendAdd(instrument, side, reference, shares, price);
  }

  /** A price for a new order: inside a wide spread, at the touch or behind it; never crossing. */
  #quote(ladder: Ladder, side: BookSide, fair: number): number {
    const random = this.#random;
    const away = side === bid ? -1 : 1;
    const own = ladder.price(side, 0);
    const other = ladder.price(side === bid ? ask : bid, 0);
    const spread = Math.abs(other - own);
    if (spread > 1 && random.chance(Math.min(0.9, 0.15 + 0.15 * spread))) {
      const inside = own - away * (1 + random.below(Math.min(3, spread - 1)));
      // Nobody quotes through what the thing is worth.
      const worth = side === bid ? Math.floor(fair) : Math.ceil(fair);
      if ((inside - worth) * away >= 0) return inside;
    }
    return Math.max(1, own + away * Math.min(15, Math.floor(random.exponential(2.5))));
  }

  /** A marketable order meets this side, best first, over at most `sweepPricesMax` prices. */
  #sweep(instrument: number, side: BookSide): void {
    const ladder = this.ladders[instrument] as Ladder;
    const packer = this.#packer;
    let shares = this.#lot() + this.#lot();
    let prices = 0;
    let last = -1;
    while (shares > 0 && ladder.count(side) > ordersPerSideMin && packer.room(31)) {
      const price = ladder.price(side, 0);
      if (price !== last && ++prices > sweepPricesMax) break;
      last = price;
      const filled = Math.min(shares, ladder.shares(side, 0));
      const reference = ladder.reference(side, 0);
      const { bytes, at } = packer;
      const match = ++this.#matches >>> 0;
      packer.end(
        encodeExecuted(
          bytes,
          at,
          instrument + 1,
          this.timeNs,
          high(reference),
          reference >>> 0,
          filled,
          match,
        ),
      );
      ladder.reduce(side, 0, filled);
      shares -= filled;
    }
  }

  #cancel(instrument: number, side: BookSide, fair: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    const random = this.#random;
    if (ladder.count(side) <= ordersPerSideMin) return this.#add(instrument, side, fair);
    // Some look first at what is about to be traded through, most at something behind.
    const index = random.chance(0.35) ? 0 : random.below(ladder.count(side));
    const shares = ladder.shares(side, index);
    if (shares <= 100 || !random.chance(0.15)) return this.#delete(instrument, side, index);
    const gone = 100 * (1 + random.below(Math.ceil(shares / 100) - 1));
    const reference = ladder.reference(side, index);
    const { bytes, at } = this.#packer;
    this.#packer.end(
      encodeCancel(bytes, at, instrument + 1, this.timeNs, high(reference), reference >>> 0, gone),
    );
    ladder.reduce(side, index, gone);
  }

  #delete(instrument: number, side: BookSide, index: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    const reference = ladder.reference(side, index);
    const { bytes, at } = this.#packer;
    this.#packer.end(
      encodeDelete(bytes, at, instrument + 1, this.timeNs, high(reference), reference >>> 0),
    );
    ladder.remove(side, index);
  }

  /** An order moves to a new price and loses its place. */
  #replace(instrument: number, side: BookSide, fair: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    const index = this.#random.below(ladder.count(side));
    const old = ladder.reference(side, index);
    const price = this.#quote(ladder, side, fair);
    const shares = this.#lot();
    const made = ++this.#references;
    ladder.remove(side, index);
    ladder.insert(side, made, shares, price);
    const { bytes, at } = this.#packer;
    this.#packer.end(
      encodeReplace(
        bytes,
        at,
        instrument + 1,
        this.timeNs,
        high(old),
        old >>> 0,
        high(made),
        made >>> 0,
        shares,
        price * tickUnits,
      ),
    );
  }

  /** A trade against an order that nobody sees, at one of the best prices. */
  #hidden(instrument: number): void {
    const ladder = this.ladders[instrument] as Ladder;
    const price = ladder.price(this.#random.chance(0.5) ? bid : ask, 0) * tickUnits;
    const { bytes, at } = this.#packer;
    const stock = this.#stocks[instrument] as Uint8Array;
    const match = ++this.#matches >>> 0;
    this.#packer.end(
      encodeTrade(bytes, at, instrument + 1, this.timeNs, this.#lot(), stock, price, match),
    );
  }

  sendAdd(
    instrument: number,
    side: BookSide,
    reference: number,
    shares: number,
    price: number,
  ): void {
    const { bytes, at } = this.#packer;
    const stock = this.#stocks[instrument] as Uint8Array;
    this.#packer.end(
      encodeAdd(
        bytes,
        at,
        instrument + 1,
        this.timeNs,
        high(reference),
        reference >>> 0,
        side,
        shares,
        stock,
        price * tickUnits,
      ),
    );
  }

  /** Shares of an order: mostly a few round lots, sometimes an odd one. */
  #lot(): number {
    const random = this.#random;
    if (random.chance(0.1)) return 1 + random.below(99);
    return 100 * (1 + Math.min(19, Math.floor(random.exponential(2))));
  }
}

/** The upper half of a reference as the wire has it. */
function high(reference: number): number {
  return Math.floor(reference / 0x1_0000_0000);
}
