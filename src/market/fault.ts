/**
 * Why a book can't be believed; of several reasons the gravest is told. `locked` (best bid = best ask) is not
 * `crossed`: a locked book has a mid and a spread of 0 ticks, so it has a state and may be decided
 * on. `noQuote` means that only trades were told: the book is as complete as it gets where a feed
 * gives no quotes, and not yet there where it does; `partial` is for config to allow.
 */
export const BookFault = {
  ok: 0,
  neverSeen: 1,
  noQuote: 2,
  empty: 3,
  oneSided: 4,
  crossed: 5,
  locked: 6,
  halted: 7,
  partial: 8,
  full: 9,
} as const;
export type BookFault = (typeof BookFault)[keyof typeof BookFault];

/** What books count, by index into `BookSet.counts`. */
export const BookCount = {
  /** References to an order that is not known. */
  orphans: 0,
  /** Adds of a reference that was live already: the old order is dropped. */
  duplicateOrders: 1,
  /** References that came with another instrument than their order has. */
  mismatches: 2,
  /** Executions and cancels of more than the order has left. */
  overfills: 3,
  /** Orders of no size, and orders and levels of no side. */
  badValues: 4,
  /** Removals of a level that is not there. */
  unknownLevels: 5,
  /** Orders that found the order table full. */
  ordersFull: 6,
  /** Levels that found the pool, or their side, full. */
  levelsFull: 7,
  /** Trades, executions of visible orders included. */
  trades: 8,
} as const;
