/** Addresses as they are written in the configuration: text in, plain parts out, a reason when bad. */

export interface UdpAddress {
  host: string;
  port: number;
  /** Query parameters of the URL, e.g. interface, source, encoding. */
  parameters: Readonly<Record<string, string>>;
}

export interface HostPort {
  /** Without the brackets of an IPv6 address. */
  host: string;
  port: number;
}

/** Either the parsed value or the reason why there is none, as words that follow "it ". */
export type Parsed<T> = { value: T } | { reason: string };

const hostPort = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:/?#\s[\]]+)):(\d{1,5})$/;

/** `127.0.0.1:8080`, `[::1]:8080` or `name:8080`; port 0 asks the system for a free one. */
export function parseHostPort(text: string): Parsed<HostPort> {
  const match = hostPort.exec(text);
  if (!match) return { reason: "is not HOST:PORT" };
  const port = Number(match[3]);
  if (port > 65_535) return { reason: `has the port ${port}, and ports end at 65535` };
  return { value: { host: (match[1] ?? match[2])!, port } };
}

/** `udp://HOST:PORT` with the given query parameters allowed, and no path. */
export function parseUdpUrl(text: string, allowed: readonly string[]): Parsed<UdpAddress> {
  if (!text.startsWith("udp://")) return { reason: "does not start with udp://" };
  const [authority, query] = splitQuery(text.slice("udp://".length));
  const address = parseHostPort(authority.replace(/\/$/, ""));
  if ("reason" in address)
    return { reason: address.reason.replace("HOST:PORT", "udp://HOST:PORT") };
  const parameters: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    if (!allowed.includes(key)) {
      const known = allowed.length === 0 ? "none is known here" : `known: ${allowed.join(", ")}`;
      return { reason: `has the unknown parameter "${key}" (${known})` };
    }
    if (key in parameters) return { reason: `has the parameter "${key}" twice` };
    parameters[key] = value;
  }
  return { value: { ...address.value, parameters } };
}

/** What stands before the first question mark, and everything behind it: a value may hold another. */
export function splitQuery(url: string): [address: string, query: string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

/** `tcp://HOST:PORT`, nothing behind it. */
export function parseTcpUrl(text: string): Parsed<HostPort> {
  if (!text.startsWith("tcp://")) return { reason: "does not start with tcp://" };
  const address = parseHostPort(text.slice("tcp://".length).replace(/\/$/, ""));
  if ("reason" in address) return { reason: address.reason.replace("HOST", "tcp://HOST") };
  if (address.value.port === 0) return { reason: "has the port 0, to which nothing can connect" };
  return address;
}

/** `udp://HOST:PORT` of a server that is asked over UDP. */
export function parseServerUrl(text: string): Parsed<HostPort> {
  const url = parseUdpUrl(text, []);
  if ("reason" in url) return url;
  if (url.value.port === 0) return { reason: "has the port 0, to which nothing can be sent" };
  return { value: { host: url.value.host, port: url.value.port } };
}

/** One line of a feed: unicast or multicast, with the interface and source that it is joined on. */
export interface FeedLine {
  host: string;
  port: number;
  /** Name or IPv4 address of the interface, or null for the system's choice. */
  interface: string | null;
  /** The only sender to accept (source-specific multicast), or null for any. */
  source: string | null;
}

export function parseFeedLine(text: string): Parsed<FeedLine> {
  const url = parseUdpUrl(text, ["interface", "source"]);
  if ("reason" in url) return url;
  const { host, port, parameters } = url.value;
  const source = parameters["source"] ?? null;
  if (source !== null && !isMulticast(host)) {
    return { reason: "has a source, which only multicast groups take" };
  }
  return { value: { host, port, interface: parameters["interface"] ?? null, source } };
}

/** Where signals go: the NDJSON on stdout, or datagrams. */
export type SinkTarget =
  | { kind: "stdout" }
  | {
      kind: "udp";
      host: string;
      port: number;
      encoding: "binary" | "json";
      interface: string | null;
    };

export function parseSinkUrl(text: string): Parsed<SinkTarget> {
  if (text === "stdout://" || text === "stdout:") return { value: { kind: "stdout" } };
  if (!text.startsWith("udp://")) return { reason: "is neither stdout:// nor udp://HOST:PORT" };
  const url = parseUdpUrl(text, ["encoding", "interface"]);
  if ("reason" in url) return url;
  const { host, port, parameters } = url.value;
  const encoding = parameters["encoding"] ?? "binary";
  if (encoding !== "binary" && encoding !== "json") {
    return { reason: `has the encoding "${encoding}", and only binary and json are known` };
  }
  if (port === 0) return { reason: "has the port 0, to which nothing can be sent" };
  const name = parameters["interface"] ?? null;
  return { value: { kind: "udp", host, port, encoding, interface: name } };
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast(host: string): boolean {
  const first = /^(\d{1,3})\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.exec(host)?.[1];
  if (first !== undefined) return Number(first) >= 224 && Number(first) <= 239;
  return /^ff[0-9a-f]{2}:/i.test(host);
}

/** True when nothing outside this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The value of a parse that the schema has already accepted. */
export function accepted<T>(parsed: Parsed<T>): T {
  if ("reason" in parsed) throw new Error(`an address that was not validated ${parsed.reason}`);
  return parsed.value;
}
