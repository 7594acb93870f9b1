/**
 * What network cards dropped before the kernel had it: the counters of the interfaces that carry the
 * feeds, from sysfs. They are of the whole interface: a card does not know whose packet it lost.
 */
import { networkInterfaces } from "node:os";
import { isLoopback, isMulticast } from "../config/address.ts";
import type { HostRoot } from "../host/root.ts";
import { parseRoutes, type Route, routeOf } from "../host/route.ts";
import type { InterfaceBody } from "../http/part-schema.ts";
import { nicDropLabels } from "../telemetry/metric.ts";
import { count } from "../unit.ts";

/** Where a line listens; a port is of no interest here. */
export interface LineAddress {
  host: string;
  /** Name or IPv4 address; null for the system's choice. */
  interface: string | null;
}

/** Names of the machine's interfaces with their addresses. */
export type InterfaceAddresses = Readonly<
  Record<string, readonly { address: string }[] | undefined>
>;

/** Readings between two looks at which interface a line is on. */
const addressesEvery = 30;
/** Interfaces that are followed; a feed on the wildcard address is on all of them. */
const interfacesMax = 64;
const loopback = "lo";

interface Counters {
  /** By `nicDropLabels`; NaN where the interface does not have it. */
  last: number[];
  perS: number[];
  totals: number[];
}

export class NicDrops {
  readonly #root: HostRoot;
  readonly #feeds: readonly (readonly LineAddress[])[];
  readonly #addresses: () => InterfaceAddresses;
  readonly #counters = new Map<string, Counters>();
  /** Feed → names of its interfaces, and lines that no interface was found for. */
  #names: string[][] = [];
  #unknown: LineAddress[][] = [];
  #readings = 0;

  /** `feeds`: the lines of each feed. */
  constructor(
    root: HostRoot,
    feeds: readonly (readonly LineAddress[])[],
    addresses: () => InterfaceAddresses = networkInterfaces,
  ) {
    this.#root = root;
    this.#feeds = feeds;
    this.#addresses = addresses;
  }

  /** Reads the counters, and returns what moved since the last time, by `nicDropLabels`. */
  read(): number[] {
    if (this.#readings++ % addressesEvery === 0) this.#find();
    const moved: number[] = nicDropLabels.map(() => 0);
    for (const [name, counters] of this.#counters) {
      nicDropLabels.forEach((label, i) => {
        const value = this.#root.number(`/sys/class/net/${name}/statistics/${label}`) ?? Number.NaN;
        const before = counters.last[i]!;
        counters.last[i] = value;
        // A counter that went back began again with its driver.
        const delta = value >= before ? value - before : value;
        counters.perS[i] = before === before && delta > 0 ? delta : 0;
        counters.totals[i]! += counters.perS[i]!;
        moved[i]! += counters.perS[i]!;
      });
    }
    return moved;
  }

  /** The interfaces of a feed. */
  body(feed: number): InterfaceBody[] {
    const found = (this.#names[feed] ?? []).map((name) => this.#one(name));
    const unknown = (this.#unknown[feed] ?? []).map(({ host }) => ({
      name: "",
      state: `which interface carries ${host} cannot be told: name it with ?interface=NAME`,
      perS: {},
      totals: {},
    }));
    return [...found, ...unknown];
  }

  #one(name: string): InterfaceBody {
    if (name === loopback) {
      const state = "loopback: there is no network card, and nothing that it could drop";
      return { name, state, perS: {}, totals: {} };
    }
    const { last, perS, totals } = this.#counters.get(name)!;
    const known = nicDropLabels.flatMap((label, i) =>
      Number.isNaN(last[i]!) ? [] : [{ label, i }],
    );
    const pick = (values: readonly number[]): Record<string, number> =>
      Object.fromEntries(known.map(({ label, i }) => [label, values[i]!]));
    return { name, state: stateOf(known.length, totals), perS: pick(perS), totals: pick(totals) };
  }

  #find(): void {
    const addresses = this.#addresses();
    const routes = parseRoutes(this.#root.text("/proc/net/route") ?? "");
    const all = this.#root.list("/sys/class/net");
    this.#names = [];
    this.#unknown = [];
    for (const lines of this.#feeds) {
      const names = new Set<string>();
      const unknown: LineAddress[] = [];
      for (const line of lines) {
        const own = interfacesOf(line, addresses, routes, all);
        if (own.length === 0) unknown.push(line);
        for (const name of own) if (names.size < interfacesMax) names.add(name);
      }
      this.#names.push([...names]);
      this.#unknown.push(unknown);
    }
    const wanted = new Set(this.#names.flat());
    for (const name of this.#counters.keys()) if (!wanted.has(name)) this.#counters.delete(name);
    for (const name of wanted) {
      if (name === loopback || this.#counters.has(name)) continue;
      const [perS, totals] = [nicDropLabels.map(() => 0), nicDropLabels.map(() => 0)];
      this.#counters.set(name, { last: nicDropLabels.map(() => Number.NaN), perS, totals });
    }
  }
}

function stateOf(known: number, totals: readonly number[]): string {
  if (known === 0) return "its counters cannot be read";
  const most = Math.max(...totals);
  if (most === 0) return "nothing dropped since the start";
  const which = nicDropLabels[totals.indexOf(most)]!;
  return `${which} rose by ${count(most)} since the start: see what hftedge doctor says of its rings and interrupts`;
}

/** The interfaces that bring a line's datagrams; none when that cannot be told. */
export function interfacesOf(
  { host, interface: wanted }: LineAddress,
  addresses: InterfaceAddresses,
  routes: readonly Route[],
  all: readonly string[],
): string[] {
  const withAddress = (address: string): string[] =>
    Object.keys(addresses).filter((name) => {
      return addresses[name]?.some((own) => own.address === address) === true;
    });
  if (wanted !== null) return all.includes(wanted) ? [wanted] : withAddress(wanted);
  if (host === "0.0.0.0" || host === "::") {
    const cards = all.filter((name) => name !== loopback);
    return cards.length > 0 ? cards : [loopback];
  }
  // All of 127.0.0.0/8 is this machine, whatever the interface's own address is.
  if (isLoopback(host)) return [loopback];
  if (!isMulticast(host)) return withAddress(host);
  const chosen = routeOf(routes, host);
  return chosen === undefined ? [] : [chosen];
}
