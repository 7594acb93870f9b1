/** Builds packets and capture files byte by byte, independently of the readers under test. */

export function bytesOf(...parts: (number[] | Uint8Array | string)[]): Uint8Array {
  const flat: number[] = [];
  for (const part of parts) {
    if (typeof part === "string") for (const c of part) flat.push(c.charCodeAt(0));
    else flat.push(...part);
  }
  return Uint8Array.from(flat);
}

export const be16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
export const be32 = (n: number): number[] => [...be16(n >>> 16), ...be16(n & 0xffff)];

/** Numbers in the byte order of a file. */
export function order(little: boolean) {
  const turn = (bytes: number[]): number[] => (little ? bytes.toReversed() : bytes);
  return {
    u16: (n: number): number[] => turn(be16(n)),
    u32: (n: number): number[] => turn(be32(n >>> 0)),
    u64: (n: bigint): number[] =>
      turn([...be32(Number((n >> 32n) & 0xffffffffn)), ...be32(Number(n & 0xffffffffn))]),
  };
}

export function udp(payload: Uint8Array, port = 26_400): Uint8Array {
  return bytesOf(be16(5000), be16(port), be16(8 + payload.length), be16(0), payload);
}

export interface Ipv4Shape {
  destination?: number[];
  options?: number[];
  protocol?: number;
  fragment?: number;
}

export function ipv4(body: Uint8Array, shape: Ipv4Shape = {}): Uint8Array {
  const { destination = [233, 54, 12, 111], options = [], protocol = 17, fragment = 0 } = shape;
  const headerBytes = 20 + options.length;
  return bytesOf(
    [0x40 | (headerBytes / 4), 0],
    be16(headerBytes + body.length),
    be16(1),
    be16(fragment),
    [64, protocol],
    be16(0),
    [10, 0, 0, 1],
    destination,
    options,
    body,
  );
}

export const ipv6Destination = [0xff, 0x02, ...Array.from({ length: 13 }, () => 0), 0x99];

/** `extensions`: [next-header number of this one, its bytes after the "next header" byte]. */
export function ipv6(
  body: Uint8Array,
  extensions: [number, number[]][] = [],
  last = 17,
): Uint8Array {
  const kinds = [...extensions.map(([kind]) => kind), last];
  const headers = extensions.map(([, rest], i) => [kinds[i + 1]!, ...rest]).flat();
  return bytesOf(
    [0x60, 0, 0, 0],
    be16(headers.length + body.length),
    [kinds[0]!, 64],
    Array.from({ length: 16 }, () => 0),
    ipv6Destination,
    headers,
    body,
  );
}

const macs = [1, 0, 0x5e, 54, 12, 111, 2, 0, 0, 0, 0, 1];

export function ethernet(body: Uint8Array, type = 0x0800, tags: number[][] = []): Uint8Array {
  return bytesOf(macs, tags.flat(), be16(type), body);
}

export const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

export interface Timed {
  bytes: Uint8Array;
  seconds: number;
  nanos: number;
}

export function pcap(
  packets: Timed[],
  little: boolean,
  nanosecond: boolean,
  linkType = 1,
): Uint8Array {
  const { u16, u32 } = order(little);
  const file = [
    bytesOf(
      u32(nanosecond ? 0xa1b23c4d : 0xa1b2c3d4),
      u16(2),
      u16(4),
      u32(0),
      u32(0),
      u32(65535),
      u32(linkType),
    ),
  ];
  for (const { bytes, seconds, nanos } of packets) {
    const fraction = nanosecond ? nanos : Math.floor(nanos / 1000);
    file.push(bytesOf(u32(seconds), u32(fraction), u32(bytes.length), u32(bytes.length), bytes));
  }
  return Buffer.concat(file);
}

export interface NgInterface {
  linkType?: number;
  /** The raw if_tsresol byte; absent means microseconds. */
  resolution?: number;
  offsetSeconds?: bigint;
  snapLength?: number;
}

export class PcapngFile {
  readonly blocks: Uint8Array[] = [];
  readonly #little: boolean;

  constructor(little: boolean) {
    this.#little = little;
    const { u16, u32, u64 } = order(little);
    this.block(0x0a0d0d0a, bytesOf(u32(0x1a2b3c4d), u16(1), u16(0), u64(0xffffffffffffffffn)));
  }

  block(type: number, body: Uint8Array): this {
    const { u32 } = order(this.#little);
    const padding = (4 - (body.length % 4)) % 4;
    const total = 12 + body.length + padding;
    const pad = Array.from({ length: padding }, () => 0);
    this.blocks.push(bytesOf(u32(type), u32(total), body, pad, u32(total)));
    return this;
  }

  interface(shape: NgInterface = {}): this {
    const { u16, u32, u64 } = order(this.#little);
    const { linkType = 1, resolution, offsetSeconds, snapLength = 0 } = shape;
    const options = [
      ...u16(2),
      ...u16(4),
      ...bytesOf("eth0"),
      ...(resolution === undefined ? [] : [...u16(9), ...u16(1), resolution, 0, 0, 0]),
      ...(offsetSeconds === undefined ? [] : [...u16(14), ...u16(8), ...u64(offsetSeconds)]),
      ...u16(0),
      ...u16(0),
    ];
    return this.block(1, bytesOf(u16(linkType), u16(0), u32(snapLength), options));
  }

  packet(bytes: Uint8Array, units: bigint, index = 0): this {
    const { u32 } = order(this.#little);
    const [hi, lo] = [Number(units >> 32n), Number(units & 0xffffffffn)];
    return this.block(
      6,
      bytesOf(u32(index), u32(hi), u32(lo), u32(bytes.length), u32(bytes.length), bytes),
    );
  }

  simple(bytes: Uint8Array, originalLength = bytes.length): this {
    return this.block(3, bytesOf(order(this.#little).u32(originalLength), bytes));
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.blocks);
  }
}
