/** The sending side of iextp.ts and iex.ts, for tests: plain, and free to allocate. */

export interface IexHeader {
  protocol?: number;
  channel?: number;
  session?: number;
  sequence: number;
  sentNs: bigint;
}

export function encodeIexTp(header: IexHeader, messages: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(
    messages.flatMap((bytes) => {
      const length = Buffer.alloc(2);
      length.writeUInt16LE(bytes.length);
      return [length, bytes];
    }),
  );
  const head = Buffer.alloc(40);
  head[0] = 1;
  head.writeUInt16LE(header.protocol ?? 0x8004, 2);
  head.writeUInt32LE(header.channel ?? 1, 4);
  head.writeUInt32LE(header.session ?? 77, 8);
  head.writeUInt16LE(payload.length, 12);
  head.writeUInt16LE(messages.length, 14);
  head.writeBigInt64LE(BigInt(header.sequence), 24);
  head.writeBigInt64LE(header.sentNs, 32);
  return Buffer.concat([head, payload]);
}

function message(type: string, flags: number, length: number, ns: bigint, symbol: string): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write(type, 0, "latin1");
  bytes[1] = flags;
  bytes.writeBigInt64LE(ns, 2);
  if (length >= 18) bytes.write(symbol.padEnd(8), 10, "latin1");
  return bytes;
}

export function iexLevel(
  type: "8" | "5",
  symbol: string,
  size: number,
  price: bigint,
  ns: bigint,
  flags = 1,
): Buffer {
  const bytes = message(type, flags, 30, ns, symbol);
  bytes.writeUInt32LE(size, 18);
  bytes.writeBigInt64LE(price, 22);
  return bytes;
}

export function iexQuote(
  symbol: string,
  bidSize: number,
  bid: bigint,
  ask: bigint,
  askSize: number,
  ns: bigint,
): Buffer {
  const bytes = message("Q", 0, 42, ns, symbol);
  bytes.writeUInt32LE(bidSize, 18);
  bytes.writeBigInt64LE(bid, 22);
  bytes.writeBigInt64LE(ask, 30);
  bytes.writeUInt32LE(askSize, 38);
  return bytes;
}

export function iexTrade(
  type: "T" | "B",
  symbol: string,
  size: number,
  price: bigint,
  ns: bigint,
): Buffer {
  const bytes = message(type, 0, 38, ns, symbol);
  bytes.writeUInt32LE(size, 18);
  bytes.writeBigInt64LE(price, 22);
  bytes.writeBigInt64LE(1n, 30);
  return bytes;
}

/** 'H' or 'O': the status stands where other messages have their flags. */
export function iexStatus(type: "H" | "O", status: string, symbol: string, ns: bigint): Buffer {
  return message(type, status.charCodeAt(0), type === "H" ? 22 : 18, ns, symbol);
}

/** An administrative message of zeros behind its head. */
export function iexAdmin(type: string, length: number, symbol: string, ns: bigint): Buffer {
  return message(type, 0, length, ns, symbol);
}
