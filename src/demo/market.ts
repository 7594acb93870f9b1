/**
 * A synthetic market: ITCH 5.0 in MoldUDP64, seeded, in virtual time. It is a pure function of its
 * options: `next()` writes one datagram into `bytes` and says when it is due. Nothing is allocated a
 * message. What it sends is consistent: every reference is live, no book is ever crossed or one-sided.
 *
 * A session opens with the system events, the directory, trading actions and every live order, so that
 * a receiver that joins at its beginning has whole books. `reopen()` begins another one: it is how a
 * receiver that has lost something becomes whole again.
 */
import { assert } from "../error.ts";
import { Side } from "../feed/event.ts";
import {
  encodeDirectory,
  encodeSystemEvent,
  encodeTradingAction,
  stockBytes,
} from "../feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../feed/moldudp64-encode.ts";
import { Random } from "../replay/random.ts";
import { Arrival } from "./arrival.ts";
import { demoInstruments, type DemoInstrument } from "./instrument.ts";
import type { BookSide } from "./ladder.ts";
import { OrderFlow } from "./flow.ts";

export interface MarketOptions {
  seed: number;
  /** Datagrams a second in the long run; bursts are many times faster. */
  rate: number;
  /** Market time of virtual time 0, in ns since midnight. */
  startNs: number;
  instruments?: readonly DemoInstrument[];
}

export const demoDatagramBytesMax = 1400;
const dayNs = 86_400e9;
const heartbeatNs = 1e9;
/** Time between the datagrams of an opening. */
const openingStepNs = 50_000;
const { bid, ask } = Side;

export class DemoMarket {
  /** The present datagram is `bytes[0, length)`. */
  readonly bytes: Buffer;
  length = 0;
  /** When the present datagram is to be sent, ns of virtual time. */
  dueNs = 0;
  /** Messages so far, over all sessions. */
  messages = 0;
  datagrams = 0;
  /** Sessions begun. */
  session = 0;
  readonly symbols: readonly string[];
  readonly #arrival: Arrival;
  readonly #stocks: readonly Uint8Array[];
  readonly #flow: OrderFlow;
  readonly #packer: MoldUdp64Packer;
  readonly #startNs: number;
  /** Place in the opening: which instrument, side and order comes next; instrument -1 is the head. */
  #openInstrument = -1;
  #openSide: BookSide = bid;
  #openOrder = 0;
  #timeNs = 0;
  #opening = true;
  /** The event that was drawn but is not due before a heartbeat. */
  #drawn = -1;

  constructor(options: MarketOptions) {
    const { seed, rate, startNs, instruments = demoInstruments } = options;
    assert(rate > 0 && instruments.length > 0, "a market has a rate and instruments");
    this.#arrival = new Arrival(
      new Random(seed, 2),
      rate,
      instruments.map((i) => i.activity),
    );
    this.#startNs = startNs;
    this.symbols = instruments.map((i) => i.symbol);
    this.#stocks = this.symbols.map(stockBytes);
    this.#packer = new MoldUdp64Packer("", demoDatagramBytesMax);
    this.bytes = this.#packer.bytes;
    this.#flow = new OrderFlow(this.#packer, new Random(seed, 1), instruments, this.#stocks);
    this.reopen();
  }

  /** The datagrams that follow begin another session with the whole books. */
  reopen(): void {
    this.session += 1;
    this.#packer.setSession(`DEMO${String(this.session % 1_000_000).padStart(6, "0")}`);
    this.#packer.begin(1);
    this.#openInstrument = -1;
    this.#openSide = bid;
    this.#openOrder = 0;
    this.#opening = true;
  }

  /** Writes the next datagram. */
  next(): void {
    const packer = this.#packer;
    packer.begin(packer.next);
    if (this.#opening) this.#open();
    else this.#live();
    this.datagrams += 1;
    this.messages += packer.count;
    this.length = packer.length;
  }

  #live(): void {
    if (this.#drawn < 0) this.#drawn = this.#arrival.next();
    // Rounded up, so that time never goes back from one datagram to the next.
    const atNs = Math.max(Math.ceil(this.#arrival.seconds * 1e9), this.dueNs);
    if (atNs - this.dueNs > heartbeatNs) {
      this.#at(this.dueNs + heartbeatNs);
      return this.#packer.heartbeat(this.#packer.next);
    }
    this.#at(atNs);
    const instrument = this.#drawn;
    this.#drawn = -1;
    const excitement = this.#flow.act(instrument, this.#arrival.seconds);
    this.#arrival.excite(instrument, excitement);
  }

  #at(dueNs: number): void {
    this.dueNs = dueNs;
    this.#timeNs = (this.#startNs + dueNs) % dayNs;
    this.#flow.timeNs = this.#timeNs;
  }

  /** One datagram of an opening: the head, or as many live orders as fit. */
  #open(): void {
    this.#at(this.dueNs + openingStepNs);
    const packer = this.#packer;
    if (this.#openInstrument < 0) {
      packer.end(encodeSystemEvent(packer.bytes, packer.at, this.#timeNs, "O"));
      packer.end(encodeSystemEvent(packer.bytes, packer.at, this.#timeNs, "S"));
      packer.end(encodeSystemEvent(packer.bytes, packer.at, this.#timeNs, "Q"));
      this.#openInstrument = 0;
      return;
    }
    while (this.#openInstrument < this.symbols.length) {
      if (!this.#openOne(this.#openInstrument)) return;
      this.#openInstrument += 1;
      this.#openSide = bid;
      this.#openOrder = 0;
    }
    this.#opening = false;
    // The events that fell into the opening come right after it.
    this.#arrival.seconds = Math.max(this.#arrival.seconds, this.dueNs / 1e9);
  }

  /** Directory, trading action and orders of one instrument; false when the datagram is full. */
  #openOne(instrument: number): boolean {
    const packer = this.#packer;
    const ladder = this.#flow.ladders[instrument]!;
    const stock = this.#stocks[instrument] as Uint8Array;
    const locate = instrument + 1;
    if (this.#openOrder === 0 && this.#openSide === bid) {
      if (!packer.room(39 + 2 + 25 + 2 + 36)) return false;
      packer.end(encodeDirectory(packer.bytes, packer.at, locate, this.#timeNs, stock));
      packer.end(encodeTradingAction(packer.bytes, packer.at, locate, this.#timeNs, stock, "T"));
    }
    for (;;) {
      const side = this.#openSide;
      while (this.#openOrder < ladder.count(side)) {
        if (!packer.room(36)) return false;
        const at = this.#openOrder++;
        const price = ladder.price(side, at);
        this.#flow.sendAdd(
          instrument,
          side,
          ladder.reference(side, at),
          ladder.shares(side, at),
          price,
        );
      }
      if (side === ask) return true;
      this.#openSide = ask;
      this.#openOrder = 0;
    }
  }
}
