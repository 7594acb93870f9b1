/** The sending side of pitch.ts and pitch-unit.ts, for tests: plain, and free to allocate. */

export function encodePitchUnit(
  unit: number,
  sequence: number,
  messages: readonly Buffer[],
): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(8 + messages.reduce((sum, { length }) => sum + length, 0), 0);
  head[2] = messages.length;
  head[3] = unit;
  head.writeUInt32LE(sequence, 4);
  return Buffer.concat([head, ...messages]);
}

/** A message of zeros with its length, its type and the four bytes behind them. */
function message(type: number, length: number, u32: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = length;
  bytes[1] = type;
  bytes.writeUInt32LE(u32, 2);
  return bytes;
}

export const pitchTime = (seconds: number): Buffer => message(0x20, 6, seconds);
export const pitchEnd = (): Buffer => message(0x2d, 6, 0);
export const pitchClear = (): Buffer => message(0x97, 6, 0);

/** 'long' and 'expanded' prices are in 1e-4, 'short' ones in 1e-2. */
export type PitchForm = "long" | "short" | "expanded";

function named(
  types: Record<PitchForm, [type: number, length: number]>,
  form: PitchForm,
  ns: number,
  id: bigint,
  side: "B" | "S",
  shares: number,
  symbol: string,
  price: number,
): Buffer {
  const bytes = message(types[form][0], types[form][1], ns);
  bytes.writeBigUInt64LE(id, 6);
  bytes.write(side, 14, "latin1");
  const at = form === "short" ? bytes.writeUInt16LE(shares, 15) : bytes.writeUInt32LE(shares, 15);
  const width = form === "expanded" ? 8 : 6;
  bytes.write(symbol.padEnd(width), at, "latin1");
  if (form === "short") bytes.writeUInt16LE(price, at + width);
  else bytes.writeBigUInt64LE(BigInt(price), at + width);
  return bytes;
}

const adds = { long: [0x21, 34], short: [0x22, 26], expanded: [0x2f, 41] } as const;
const trades = { long: [0x2a, 41], short: [0x2b, 33], expanded: [0x30, 43] } as const;

export function pitchAdd(
  form: PitchForm,
  ns: number,
  id: bigint,
  side: "B" | "S",
  shares: number,
  symbol: string,
  price: number,
): Buffer {
  return named({ ...adds } as never, form, ns, id, side, shares, symbol, price);
}

export function pitchTrade(
  form: PitchForm,
  ns: number,
  shares: number,
  symbol: string,
  price: number,
): Buffer {
  return named({ ...trades } as never, form, ns, 0n, "B", shares, symbol, price);
}

/** A message about an order: executed, at price, reduce, modify or delete. */
export function pitchChange(
  type: 0x23 | 0x24 | 0x25 | 0x26 | 0x27 | 0x28 | 0x29,
  ns: number,
  id: bigint,
  shares = 0,
  price = 0,
): Buffer {
  const length = { 0x23: 26, 0x24: 38, 0x25: 18, 0x26: 16, 0x27: 27, 0x28: 19, 0x29: 14 }[type];
  const bytes = message(type, length, ns);
  bytes.writeBigUInt64LE(id, 6);
  if (type === 0x26 || type === 0x28) bytes.writeUInt16LE(shares, 14);
  else if (type !== 0x29) bytes.writeUInt32LE(shares, 14);
  if (type === 0x24) bytes.writeBigUInt64LE(BigInt(price), 30);
  if (type === 0x27) bytes.writeBigUInt64LE(BigInt(price), 18);
  if (type === 0x28) bytes.writeUInt16LE(price, 16);
  return bytes;
}

export function pitchStatus(ns: number, symbol: string, status: string): Buffer {
  const bytes = message(0x31, 18, ns);
  bytes.write(symbol.padEnd(8) + status, 6, "latin1");
  return bytes;
}
