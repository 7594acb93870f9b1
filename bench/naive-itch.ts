/** ITCH as one would first write it: a DataView a datagram, a BigInt a u64, an object a message. */
export interface NaiveMessage {
  type: string;
  locate: number;
  timestamp: bigint;
  reference?: bigint;
  newReference?: bigint;
  side?: string;
  shares?: number;
  stock?: string;
  price?: number;
}

const ascii = new TextDecoder("latin1");

export function naiveItch(datagram: Uint8Array): NaiveMessage[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: NaiveMessage[] = [];
  const count = view.getUint16(18);
  let at = 20;
  for (let i = 0; i < count; i++) {
    const length = view.getUint16(at);
    const m = at + 2;
    at = m + length;
    const type = String.fromCharCode(view.getUint8(m));
    const locate = view.getUint16(m + 1);
    const timestamp = (BigInt(view.getUint16(m + 5)) << 32n) | BigInt(view.getUint32(m + 7));
    const message: NaiveMessage = { type, locate, timestamp };
    messages.push(message);
    switch (type) {
      case "A":
      case "F":
      case "P":
        message.reference = view.getBigUint64(m + 11);
        message.side = String.fromCharCode(view.getUint8(m + 19));
        message.shares = view.getUint32(m + 20);
        message.stock = ascii.decode(datagram.subarray(m + 24, m + 32)).trim();
        message.price = view.getUint32(m + 32) / 1e4;
        break;
      case "E":
      case "C":
      case "X":
        message.reference = view.getBigUint64(m + 11);
        message.shares = view.getUint32(m + 19);
        break;
      case "D":
        message.reference = view.getBigUint64(m + 11);
        break;
      case "U":
        message.reference = view.getBigUint64(m + 11);
        message.newReference = view.getBigUint64(m + 19);
        message.shares = view.getUint32(m + 27);
        message.price = view.getUint32(m + 31) / 1e4;
        break;
    }
  }
  return messages;
}
