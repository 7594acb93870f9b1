/** Numeric IP addresses, in the forms in which the kernel, `ip` and people write them. */

/** The sixteen bytes of an IPv6 address in any of its short forms; a zone ("%eth0") is left out. */
export function ipv6Bytes(address: string): Uint8Array {
  // The URL parser turns a mapped IPv4 tail and every short form into plain groups.
  const plain = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const bytes = new Uint8Array(16);
  [...left, ...zeros, ...right].forEach((group, index) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * index] = value >> 8;
    bytes[2 * index + 1] = value & 255;
  });
  return bytes;
}

/** One spelling for one address: dotted for IPv4, also where it is mapped into IPv6, else hexadecimal. */
export function addressKey(bytes: Uint8Array): string {
  const mapped = bytes.length === 16 && /^(?:0,){10}255,255$/.test(bytes.subarray(0, 12).join());
  if (bytes.length === 4 || mapped) return bytes.subarray(-4).join(".");
  return Buffer.from(bytes).toString("hex");
}

/** The same of an address as text; text that is none is its own key. */
export function textAddressKey(text: string): string {
  if (!/^[0-9a-f:.]+(?:%.+)?$/i.test(text) || !text.includes(":")) return text;
  return URL.canParse(`http://[${text.replace(/%.*$/, "")}]`) ? addressKey(ipv6Bytes(text)) : text;
}

/** An address of /proc/net/tcp or tcp6: hexadecimal words of four bytes, each in the host's order. */
export function procAddressKey(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, "hex")].toReversed());
  return addressKey(Uint8Array.from(bytes));
}
