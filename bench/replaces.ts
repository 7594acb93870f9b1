/**
 * Datagrams of ITCH replace messages that go round a number of instruments and change the size at
 * the touch of each: the cheapest market in which every message can change a decision.
 */
import { encodeAdd, encodeReplace, stockBytes } from "../src/feed/itch50-encode.ts";
import { Side } from "../src/feed/event.ts";
import { MoldUdp64Packer } from "../src/feed/moldudp64-encode.ts";

const bidPrice = 100_000;
const askPrice = 100_100;

export class Replaces {
  readonly #packer: MoldUdp64Packer;
  readonly #messages: number;
  readonly #stocks: readonly Uint8Array[];
  readonly #references: Uint32Array;
  #instrument = 0;
  #reference = 0;
  #sequence = 1;
  #sizes = 0;

  constructor(instruments: number, messages: number) {
    this.#packer = new MoldUdp64Packer("REPLACES", 4096);
    this.#messages = messages;
    this.#stocks = Array.from({ length: instruments }, (_, i) => stockBytes(`E${i}`));
    this.#references = new Uint32Array(instruments);
  }

  get bytes(): Buffer {
    return this.#packer.bytes;
  }

  get length(): number {
    return this.#packer.length;
  }

  /** The sequence of the present datagram's last message. */
  get lastSequence(): number {
    return this.#sequence - 1;
  }

  next(): void {
    const packer = this.#packer;
    packer.begin(this.#sequence);
    for (let i = 0; i < this.#messages; i++) this.#one();
    this.#sequence = packer.next;
  }

  #one(): void {
    const { bytes, at } = this.#packer;
    const instrument = this.#instrument;
    const old = this.#references[instrument]!;
    if (old === 0) {
      this.#add(instrument, Side.ask, askPrice);
      this.#add(instrument, Side.bid, bidPrice);
    } else {
      const reference = ++this.#reference;
      const shares = 100 + ((++this.#sizes * 37) % 900);
      const timeNs = this.#timeNs();
      this.#packer.end(
        encodeReplace(bytes, at, instrument + 1, timeNs, 0, old, 0, reference, shares, bidPrice),
      );
    }
    this.#references[instrument] = this.#reference;
    this.#instrument = (instrument + 1) % this.#stocks.length;
  }

  #timeNs(): number {
    return 34_200e9 + (this.#packer.next % 1e9) * 1000;
  }

  #add(instrument: number, side: Side, price: number): void {
    const { bytes, at } = this.#packer;
    const stock = this.#stocks[instrument]!;
    const reference = ++this.#reference;
    this.#packer.end(
      encodeAdd(bytes, at, instrument + 1, this.#timeNs(), 0, reference, side, 500, stock, price),
    );
  }
}
