import { describe, expect, test } from "bun:test";
import { parseRoutes, routeOf } from "../../src/host/route.ts";

const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
/** A default route, a local network, all multicast by eth1 and one group's network by eth2. */
const table = [
  head,
  "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
  "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
  "eth1\t000000E0\t00000000\t0001\t0\t0\t5\t000000F0\t0\t0\t0",
  "eth9\t000000E0\t00000000\t0001\t0\t0\t9\t000000F0\t0\t0\t0",
  "eth2\t0036E9E9\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0",
  "eth3\t000C36E9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
  "",
].join("\n");

describe("routes", () => {
  test("theLongestPrefixThenTheLowestMetric", () => {
    const routes = parseRoutes(table);
    expect(routeOf(routes, "224.1.2.3")).toBe("eth1");
    expect(routeOf(routes, "192.0.2.77")).toBe("eth0");
    expect(routeOf(routes, "10.9.8.7")).toBe("eth0");
  });

  test("routesThatAreDownAndLinesThatAreNoneArePassedOver", () => {
    expect(parseRoutes(table).map((route) => route.interface)).not.toContain("eth2");
    expect(parseRoutes("")).toEqual([]);
    expect(parseRoutes(`${head}\neth0 xyz\nrubbish\n`)).toEqual([]);
  });

  test("noRouteIsNone", () => {
    expect(routeOf([], "224.1.2.3")).toBeUndefined();
    for (const address of ["", "1.2.3", "1.2.3.4.5", "a.b.c.d", "1.2.3.256", "ff02::1"]) {
      expect(routeOf(parseRoutes(table), address)).toBeUndefined();
    }
  });
});
