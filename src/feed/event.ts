/**
 * What every protocol decoder says, in one vocabulary: primitives only, one call an event, nothing
 * allocated. A decoder is handed one `MarketEvents` for its whole life, so that each call site sees
 * one shape and can be inlined.
 *
 * Units: prices are integers in units of 10^-priceDecimals of the currency (ITCH and IEX: 4), exact
 * in a double up to 2^53; sizes are shares (or lots of the feed), exact in a double; `instrument` is
 * the dense index that `instrument()` gave; an order reference is a u64 in two u32 halves.
 */
export const Side = { bid: 0, ask: 1, unknown: 2 } as const;
export type Side = (typeof Side)[keyof typeof Side];

/** Trading state of an instrument. Anything but `trading` gives no decision but HOLD. */
export const TradingState = { trading: 0, halted: 1, paused: 2, quotationOnly: 3 } as const;
export type TradingState = (typeof TradingState)[keyof typeof TradingState];

export interface MarketEvents {
  /**
   * The dense index of the symbol in `bytes[offset, offset + length)` (padded on the right with
   * spaces or zeros), or -1 when this feed does not follow it or the instrument table is full.
   */
  instrument(bytes: Uint8Array, offset: number, length: number): number;
  /** Market time of the messages that follow: ns since the feed's midnight, an exact double. */
  time(marketNs: number): void;

  /**
   * The messages to come will look this order up. It changes nothing: tables too large for the cache
   * fetch the places of the order and of its book, so that the misses of a whole datagram overlap.
   */
  prefetch(instrument: number, refHi: number, refLo: number): void;

  /** The instrument of a live order, -1 when it is not known: for formats that name only orders. */
  instrumentOf(refHi: number, refLo: number): number;

  addOrder(
    instrument: number,
    refHi: number,
    refLo: number,
    side: Side,
    size: number,
    price: number,
  ): void;
  /** `printable` false: the execution is counted elsewhere (a cross), so it is no trade flow. */
  executeOrder(
    instrument: number,
    refHi: number,
    refLo: number,
    size: number,
    printable: boolean,
  ): void;
  /** Executed at another price than the order's own (ITCH 'C'). */
  executeOrderAt(
    instrument: number,
    refHi: number,
    refLo: number,
    size: number,
    price: number,
    printable: boolean,
  ): void;
  /**
   * The order's size is this now, its price and side unchanged: it may grow, when hidden size is
   * shown. Size is above 0.
   */
  resizeOrder(instrument: number, refHi: number, refLo: number, size: number): void;
  cancelOrder(instrument: number, refHi: number, refLo: number, size: number): void;
  deleteOrder(instrument: number, refHi: number, refLo: number): void;
  replaceOrder(
    instrument: number,
    oldHi: number,
    oldLo: number,
    newHi: number,
    newLo: number,
    size: number,
    price: number,
  ): void;

  /** The whole size at one price; size 0 removes the level. `complete`: the book is consistent now. */
  setLevel(instrument: number, side: Side, price: number, size: number, complete: boolean): void;
  /**
   * Both best levels at once; a size of 0 means that side is empty, NaN that its size was not told.
   */
  quote(
    instrument: number,
    bidPrice: number,
    bidSize: number,
    askPrice: number,
    askSize: number,
  ): void;
  /** A trade that changed no visible order. `side`: the resting side, or unknown. */
  trade(instrument: number, side: Side, size: number, price: number): void;
  tradingState(instrument: number, state: TradingState): void;
  /** Forget the instrument's book, and every book of the feed when `instrument` is -1. */
  clear(instrument: number): void;
  /** Orders of the instrument's book are not known: it was not followed when they came. */
  markPartial(instrument: number): void;
}
