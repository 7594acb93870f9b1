/**
 * The record that each instrument has in a `BookSet`: 128 bytes, two cache lines, seen as u32 words
 * and as doubles over the same memory, so that an event touches one place and not ten arrays.
 *
 * ```
 * u32   0 bid offset   1 bid count   2 bid class   3 ask offset   4 ask count   5 ask class
 *       6 flags        7 touched     8 live orders 9 generation  10 trading state 11 replaced
 * f64   6 bid price    7 bid size    8 ask price   9 ask size    10 last price   11 last size
 *      12 market ns   13 bought     14 sold       15 trades
 * ```
 */
export const WORDS = 32;
export const DOUBLES = 16;
export const RECORD_BYTES = 128;

/** Ladder words; the ask's are three further on. `CLASS` is 1 + the size class, 0 for no block. */
export const OFFSET = 0;
export const COUNT = 1;
export const CLASS = 2;
export const SIDE_WORDS = 3;

export const FLAGS = 6;
export const TOUCHED = 7;
export const LIVE_ORDERS = 8;
export const GENERATION = 9;
export const TRADING_STATE = 10;
/** Since the touched list was cleared, the book was replaced in full. */
export const REPLACED = 11;

export const BID_PRICE = 6;
export const BID_SIZE = 7;
export const ASK_PRICE = 8;
export const ASK_SIZE = 9;
export const LAST_PRICE = 10;
export const LAST_SIZE = 11;
export const MARKET_NS = 12;
/** Volume whose aggressor bought or sold since the features last took it. */
export const BOUGHT = 13;
export const SOLD = 14;
/** Trades since the book was made. */
export const TRADES = 15;

/** Something about the visible book was told. */
export const FLAG_QUOTED = 1;
/** A trade was told. */
export const FLAG_TRADED = 2;
/** A change in several messages is under way (`complete` false): the best prices wait for its end. */
export const FLAG_OPEN = 4;
/** A reference was unknown, or somebody said that messages are missing. */
export const FLAG_PARTIAL = 8;
/** The order table or the level pool had no room: the book lacks something. */
export const FLAG_FULL = 16;
