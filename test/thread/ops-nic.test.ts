import { describe, expect, test } from "bun:test";
import { nicDropLabels } from "../../src/telemetry/metric.ts";
import { type InterfaceAddresses, type LineAddress, NicDrops } from "../../src/thread/ops-nic.ts";
import { fakeRoot } from "../support/fake-root.ts";

const addresses: InterfaceAddresses = {
  lo: [{ address: "127.0.0.1" }],
  eth0: [{ address: "192.0.2.10" }],
  eth1: [{ address: "198.51.100.4" }],
};
const routes = [
  "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
  "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
].join("\n");

function files(name: string, values: Partial<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([counter, value]) => [
      `sys/class/net/${name}/statistics/${counter}`,
      `${value}\n`,
    ]),
  );
}

function box(...lines: LineAddress[]) {
  const root = fakeRoot({
    "proc/net/route": routes,
    ...files("lo", { rx_dropped: 3 }),
    ...files("eth0", { rx_dropped: 100, rx_missed_errors: 5, rx_over_errors: 0 }),
    ...files("eth1", { rx_dropped: 0 }),
  });
  return { root, drops: new NicDrops(root.host, [lines], () => addresses) };
}

const at = (host: string, name: string | null = null): LineAddress => ({ host, interface: name });
const dropped = nicDropLabels.indexOf("rx_dropped");
const missed = nicDropLabels.indexOf("rx_missed_errors");

describe("what network cards dropped", () => {
  test("countsFromTheStartAndFromTheLastReading", () => {
    const { root, drops } = box(at("192.0.2.10"));
    // What was dropped before this run says nothing about it.
    expect(drops.read().every((moved) => moved === 0)).toBe(true);
    root.write(files("eth0", { rx_dropped: 107, rx_missed_errors: 6 }));
    const moved = drops.read();
    expect([moved[dropped], moved[missed]]).toEqual([7, 1]);
    root.write(files("eth0", { rx_dropped: 109 }));
    expect(drops.read()[dropped]).toBe(2);
    const [eth0] = drops.body(0);
    expect(eth0).toMatchObject({
      name: "eth0",
      perS: { rx_dropped: 2, rx_missed_errors: 0, rx_over_errors: 0 },
      totals: { rx_dropped: 9, rx_missed_errors: 1, rx_over_errors: 0 },
    });
    expect(eth0!.state).toContain("rx_dropped rose by 9");
    // What the interface does not have is not called zero.
    expect(Object.keys(eth0!.totals)).not.toContain("rx_no_buffer");
  });

  test("counterThatBeganAgainIsNoDropOfBillions", () => {
    const { root, drops } = box(at("192.0.2.10"));
    drops.read();
    root.write(files("eth0", { rx_dropped: 4 }));
    expect(drops.read()[dropped]).toBe(4);
    expect(drops.read()[dropped]).toBe(0);
  });

  test("loopbackSaysSo", () => {
    const { root, drops } = box(at("127.0.0.1"));
    drops.read();
    root.write(files("lo", { rx_dropped: 50 }));
    expect(drops.read()[dropped]).toBe(0);
    const [lo] = drops.body(0);
    expect(lo).toMatchObject({ name: "lo", perS: {}, totals: {} });
    expect(lo!.state).toStartWith("loopback: there is no network card");
  });

  test.each<[string, LineAddress, string[]]>([
    ["its own address", at("198.51.100.4"), ["eth1"]],
    ["a group, by the named interface", at("233.54.12.111", "eth1"), ["eth1"]],
    ["a group, by the interface's address", at("233.54.12.111", "198.51.100.4"), ["eth1"]],
    ["a group, by the route", at("233.54.12.111"), ["eth0"]],
    ["every address: all cards", at("0.0.0.0"), ["eth0", "eth1"]],
    ["another address of the loopback network", at("127.0.0.9"), ["lo"]],
  ])("isOfTheInterfaceThatCarries %s", (_, line, names) => {
    const { drops } = box(line);
    drops.read();
    expect(drops.body(0).map(({ name }) => name)).toEqual(names);
  });

  test("interfaceThatCannotBeToldSaysHowToNameIt", () => {
    const { drops } = box(at("ff02::1"), at("203.0.113.1"));
    drops.read();
    for (const { name, state } of drops.body(0)) {
      expect(name).toBe("");
      expect(state).toContain("?interface=NAME");
    }
    expect(drops.body(0)).toHaveLength(2);
  });

  test("twoLinesOnOneInterfaceAreCountedOnce", () => {
    const { root, drops } = box(at("192.0.2.10"), at("224.0.0.5"));
    drops.read();
    root.write(files("eth0", { rx_dropped: 101 }));
    expect(drops.read()[dropped]).toBe(1);
    expect(drops.body(0)).toHaveLength(1);
  });

  test("countersThatAreNotThereSaySo", () => {
    const root = fakeRoot({ "proc/net/route": routes });
    const drops = new NicDrops(root.host, [[at("192.0.2.10")]], () => addresses);
    expect(drops.read().every((moved) => moved === 0)).toBe(true);
    expect(drops.body(0)[0]!.state).toBe("its counters cannot be read");
  });

  test("isEmptyBeforeTheFirstReading", () => {
    expect(box(at("192.0.2.10")).drops.body(0)).toEqual([]);
  });
});
