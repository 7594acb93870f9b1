import { Side } from "./event.ts";

/*
 * The sending side of itch50.ts, for the demo, replay and tests. Each function writes one message at
 * `at`, without a length in front, allocates nothing and returns the message's length. Reference
 * numbers are two u32 halves, `timeNs` is below 2^48, prices are in 1e-4, `stock` is eight bytes of
 * ASCII padded with spaces (see `stockBytes`).
 */

/** The eight bytes of a symbol as the format wants them. */
export function stockBytes(symbol: string): Uint8Array {
  const bytes = new Uint8Array(8).fill(0x20);
  for (let i = 0; i < symbol.length && i < 8; i++) bytes[i] = symbol.charCodeAt(i);
  return bytes;
}

function head(out: Buffer, at: number, type: number, locate: number, timeNs: number): void {
  out[at] = type;
  out.writeUInt16BE(locate, at + 1);
  out.writeUInt16BE(0, at + 3);
  const high = Math.floor(timeNs / 4_294_967_296);
  out.writeUInt16BE(high, at + 5);
  out.writeUInt32BE(timeNs - high * 4_294_967_296, at + 7);
}

function reference(out: Buffer, at: number, hi: number, lo: number): void {
  out.writeUInt32BE(hi, at);
  out.writeUInt32BE(lo, at + 4);
}

function stockAt(out: Buffer, at: number, stock: Uint8Array): void {
  for (let i = 0; i < 8; i++) out[at + i] = stock[i]!;
}

/** 'S'; events: O start of messages, S start of system hours, Q open, M close, E and C the ends. */
export function encodeSystemEvent(
  out: Buffer,
  at: number,
  timeNs: number,
  event: "O" | "S" | "Q" | "M" | "E" | "C",
): number {
  head(out, at, 0x53, 0, timeNs);
  out[at + 11] = event.charCodeAt(0);
  return 12;
}

/** 'R', of a plain common stock with round lots of 100. */
export function encodeDirectory(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  stock: Uint8Array,
): number {
  head(out, at, 0x52, locate, timeNs);
  stockAt(out, at + 11, stock);
  out.write("QN", at + 19, "latin1");
  out.writeUInt32BE(100, at + 21);
  out.write("NCZ PNN1N", at + 25, "latin1");
  out.writeUInt32BE(0, at + 34);
  out[at + 38] = 0x4e;
  return 39;
}

/** 'H'; states: H halted, P paused, Q quotation only, T trading. */
export function encodeTradingAction(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  stock: Uint8Array,
  state: "H" | "P" | "Q" | "T",
): number {
  head(out, at, 0x48, locate, timeNs);
  stockAt(out, at + 11, stock);
  out[at + 19] = state.charCodeAt(0);
  out.fill(0x20, at + 20, at + 25);
  return 25;
}

/** 'A'. */
export function encodeAdd(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  refHi: number,
  refLo: number,
  side: Side,
  shares: number,
  stock: Uint8Array,
  price: number,
): number {
  head(out, at, 0x41, locate, timeNs);
  reference(out, at + 11, refHi, refLo);
  out[at + 19] = side === Side.bid ? 0x42 : 0x53;
  out.writeUInt32BE(shares, at + 20);
  stockAt(out, at + 24, stock);
  out.writeUInt32BE(price, at + 32);
  return 36;
}

/** 'E'. */
export function encodeExecuted(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  refHi: number,
  refLo: number,
  shares: number,
  match: number,
): number {
  head(out, at, 0x45, locate, timeNs);
  reference(out, at + 11, refHi, refLo);
  out.writeUInt32BE(shares, at + 19);
  reference(out, at + 23, 0, match);
  return 31;
}

/** 'C'. */
export function encodeExecutedAt(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  refHi: number,
  refLo: number,
  shares: number,
  match: number,
  printable: boolean,
  price: number,
): number {
  encodeExecuted(out, at, locate, timeNs, refHi, refLo, shares, match);
  out[at] = 0x43;
  out[at + 31] = printable ? 0x59 : 0x4e;
  out.writeUInt32BE(price, at + 32);
  return 36;
}

/** 'X'. */
export function encodeCancel(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  refHi: number,
  refLo: number,
  shares: number,
): number {
  head(out, at, 0x58, locate, timeNs);
  reference(out, at + 11, refHi, refLo);
  out.writeUInt32BE(shares, at + 19);
  return 23;
}

/** 'D'. */
export function encodeDelete(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  refHi: number,
  refLo: number,
): number {
  head(out, at, 0x44, locate, timeNs);
  reference(out, at + 11, refHi, refLo);
  return 19;
}

/** 'U'. */
export function encodeReplace(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  oldHi: number,
  oldLo: number,
  newHi: number,
  newLo: number,
  shares: number,
  price: number,
): number {
  head(out, at, 0x55, locate, timeNs);
  reference(out, at + 11, oldHi, oldLo);
  reference(out, at + 19, newHi, newLo);
  out.writeUInt32BE(shares, at + 27);
  out.writeUInt32BE(price, at + 31);
  return 35;
}

/** 'P'. */
export function encodeTrade(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  shares: number,
  stock: Uint8Array,
  price: number,
  match: number,
): number {
  encodeAdd(out, at, locate, timeNs, 0, 0, Side.bid, shares, stock, price);
  out[at] = 0x50;
  reference(out, at + 36, 0, match);
  return 44;
}

/** 'Q'. */
export function encodeCross(
  out: Buffer,
  at: number,
  locate: number,
  timeNs: number,
  shares: number,
  stock: Uint8Array,
  price: number,
  match: number,
  cross: "O" | "C" | "H" | "I",
): number {
  head(out, at, 0x51, locate, timeNs);
  const high = Math.floor(shares / 4_294_967_296);
  reference(out, at + 11, high, shares - high * 4_294_967_296);
  stockAt(out, at + 19, stock);
  out.writeUInt32BE(price, at + 27);
  reference(out, at + 31, 0, match);
  out[at + 39] = cross.charCodeAt(0);
  return 40;
}
