/**
 * Parser for /proc/net/route: text in, routes out. Format: the kernel's net/ipv4/fib_trie.c; an
 * address is eight hexadecimal digits of which the last two are its first byte.
 */

export interface Route {
  interface: string;
  /** First byte lowest, as the file has them. */
  destination: number;
  mask: number;
  metric: number;
}

const flagUp = 1;

/** The routes that are up; lines that are none are passed over. */
export function parseRoutes(text: string): Route[] {
  const routes: Route[] = [];
  for (const line of text.split("\n").slice(1)) {
    const [name = "", destination = "", , flags = "", , , metric = "", mask = ""] = line
      .trim()
      .split(/\s+/);
    if (name === "" || !isAddress(destination) || !isAddress(mask)) continue;
    if ((Number.parseInt(flags, 16) & flagUp) === 0) continue;
    routes.push({
      interface: name,
      destination: Number.parseInt(destination, 16),
      mask: Number.parseInt(mask, 16),
      metric: Number(metric),
    });
  }
  return routes;
}

/** The interface that the kernel would take for an IPv4 address; undefined without a route. */
export function routeOf(routes: readonly Route[], address: string): string | undefined {
  const bytes = address.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return undefined;
  const wanted = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  let best: Route | undefined;
  for (const route of routes) {
    if ((wanted & route.mask) >>> 0 !== route.destination) continue;
    if (best === undefined || isBetter(route, best)) best = route;
  }
  return best?.interface;
}

/** The longer prefix wins, then the lower metric. */
function isBetter(one: Route, other: Route): boolean {
  const longer = prefixOf(one.mask) - prefixOf(other.mask);
  return longer !== 0 ? longer > 0 : one.metric < other.metric;
}

function prefixOf(mask: number): number {
  let bits = 0;
  for (let rest = mask; rest !== 0; rest >>>= 1) bits += rest & 1;
  return bits;
}

function isAddress(word: string): boolean {
  return /^[0-9a-f]{8}$/i.test(word);
}
