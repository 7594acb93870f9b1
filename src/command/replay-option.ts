/** What the options of `hftedge replay` may say: text in, values out, a reason when bad. */
import { isIP } from "node:net";
import { InvalidArgumentError } from "commander";
import { parseHostPort, parseUdpUrl } from "../config/address.ts";
import { parseColumn, type TickField } from "../replay/column.ts";
import type { LineTarget } from "../replay/line.ts";
import type { Destination } from "../replay/packet.ts";
import type { ServerAddress } from "../replay/server.ts";

export function target(text: string, before: LineTarget[] = []): LineTarget[] {
  const url = parseUdpUrl(text, ["interface", "ttl"]);
  if ("reason" in url) throw new InvalidArgumentError(`It ${url.reason}.`);
  const { host, port, parameters } = url.value;
  if (port === 0) throw new InvalidArgumentError("Nothing can be sent to port 0.");
  const ttl = parameters["ttl"];
  if (ttl !== undefined && !/^(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/.test(ttl)) {
    throw new InvalidArgumentError("The ttl is a number from 1 to 255.");
  }
  if (before.length >= 8) throw new InvalidArgumentError("At most 8 lines.");
  const line = {
    host,
    port,
    interface: parameters["interface"] ?? null,
    ttl: ttl === undefined ? null : Number(ttl),
  };
  return [...before, line];
}

/** HOST:PORT of a server to be. */
export function listenAddress(text: string): ServerAddress {
  const address = parseHostPort(text);
  if ("reason" in address) throw new InvalidArgumentError(`It ${address.reason}.`);
  return address.value;
}

export function speed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  if (text === "original") return 1;
  const value = Number(text.replace(/x$/, ""));
  if (!(value >= 1e-6 && value <= 1e9)) {
    throw new InvalidArgumentError("Give original, max, or how many times faster, e.g. 10 or 0.5.");
  }
  return value;
}

export function probability(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError("Give a probability from 0 to 1.");
  }
  return value;
}

export function column(
  text: string,
  before: Partial<Record<TickField, string>> = {},
): Partial<Record<TickField, string>> {
  const [field, name] = parseColumn(text);
  return { ...before, [field]: name };
}

/** HOST:PORT, HOST or :PORT, the host as an IP address, since that is what a capture holds. */
export function destination(text: string, before: Destination[] = []): Destination[] {
  const full = parseHostPort(text.startsWith(":") ? `any${text}` : text);
  const host = "value" in full ? full.value.host : text.replace(/^\[|\]$/g, "");
  const port = "value" in full ? full.value.port : 0;
  if (text.startsWith(":") && port > 0) return [...before, { address: undefined, port }];
  const address = addressBytes(host);
  if (address === undefined) {
    throw new InvalidArgumentError("Give IP:PORT, IP or :PORT, e.g. 233.54.12.111:26400.");
  }
  return [...before, { address, port }];
}

/** The 4 or 16 bytes of an IP address, or undefined when it is none. */
function addressBytes(host: string): Uint8Array | undefined {
  if (isIP(host) === 4) return Uint8Array.from(host.split(".").map(Number));
  if (isIP(host) !== 6) return undefined;
  const [left = "", right] = expandIpv4Tail(host).split("::", 2);
  const head = wordsOf(left);
  const tail = wordsOf(right ?? "");
  const middle = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...middle, ...tail].flatMap((w) => [w >>> 8, w & 255]));
}

/** ::ffff:10.0.0.1 → ::ffff:a00:1 */
function expandIpv4Tail(host: string): string {
  return host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    return `${wordOf(a, b)}:${wordOf(c, d)}`;
  });
}

function wordOf(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

function wordsOf(part: string): number[] {
  return part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
}
