import { describe, expect, test } from "bun:test";
import { createServer, type AddressInfo, type Server } from "node:net";
import { parseTarget, percentile, probeConnect, renderConnect } from "../../src/doctor/connect.ts";
import { systemClock } from "../../src/doctor/context.ts";
import { openConnector, socketAddress } from "../../src/host/connect.ts";
import { EdgeError } from "../../src/error.ts";

const base = { count: 20, pauseMs: 0, timeoutMs: 30_000, clock: systemClock };

async function listen(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

describe("targets", () => {
  test.each([
    ["10.0.0.1:443", { host: "10.0.0.1", port: 443 }],
    ["fix.example.net:9000", { host: "fix.example.net", port: 9000 }],
    ["[::1]:80", { host: "::1", port: 80 }],
    ["localhost", undefined],
    ["host:0", undefined],
    ["host:65536", undefined],
    ["::1:80", undefined],
    ["", undefined],
  ])("%p", (text, expected) => {
    expect(parseTarget(text)).toEqual(expected as { host: string; port: number });
  });
});

describe("socket addresses", () => {
  test("IPv4 in network order", () => {
    expect([...socketAddress("192.168.1.2", 0x1f90)]).toEqual([
      2, 0, 0x1f, 0x90, 192, 168, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });
  test("IPv6, short forms and mapped addresses", () => {
    expect([...socketAddress("fe80::1:ff", 80).subarray(8, 24)]).toEqual([
      0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xff,
    ]);
    expect([...socketAddress("::ffff:10.0.0.1", 80).subarray(18, 24)]).toEqual([
      0xff, 0xff, 10, 0, 0, 1,
    ]);
  });
});

describe("percentiles", () => {
  test("nearest rank", () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(sorted, 0.5)).toBe(50);
    expect(percentile(sorted, 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBe(0);
  });
});

describe("connects", () => {
  test("to a server that listens succeed and are in order", async () => {
    const { server, port } = await listen("127.0.0.1");
    const report = await probeConnect({ ...base, host: "127.0.0.1", port });
    server.close();
    expect(report.count).toBe(20);
    expect(report.failed).toBe(0);
    expect(report.minNs).toBeGreaterThan(0);
    expect(report.p50Ns).toBeGreaterThanOrEqual(report.minNs);
    expect(report.p99Ns).toBeGreaterThanOrEqual(report.p50Ns);
    expect(report.maxNs).toBeGreaterThanOrEqual(report.p99Ns);
    expect(report.meanNs).toBeLessThanOrEqual(report.maxNs);
    expect(renderConnect(report)).toMatch(/^127\.0\.0\.1:\d+: 20 of 20 connects\n {2}min /);
  });

  test("to a server whose queue is full end at the time-out, also after a collection", () => {
    // Nobody accepts while this test does not wait for anything.
    const server = createServer().listen(0, "127.0.0.1", 1);
    const { port } = server.address() as AddressInfo;
    const connector = openConnector("127.0.0.1", port, 20);
    Bun.gc(true);
    // Were its time-out's memory free by now, it would hold one of these: 30 s.
    const others = Array.from({ length: 50_000 }, () => new BigInt64Array([30n, 0n]));
    Bun.gc(true);
    let result: number | string = 0;
    const startNs = Bun.nanoseconds();
    for (let at = 0; at < 10_000 && typeof result === "number"; at++) result = connector.connect();
    const elapsedNs = Bun.nanoseconds() - startNs;
    connector.close();
    server.close();
    expect(others.length).toBe(50_000);
    expect(result).toBe("ETIMEDOUT");
    expect(elapsedNs).toBeLessThan(30e9);
  });

  test("to a port where nobody listens are refused and counted", async () => {
    const { server, port } = await listen("127.0.0.1");
    await new Promise((resolve) => server.close(resolve));
    const report = await probeConnect({ ...base, host: "127.0.0.1", port, count: 3 });
    expect(report).toMatchObject({ count: 3, failed: 3, errors: { ECONNREFUSED: 3 }, maxNs: 0 });
    expect(renderConnect(report)).toContain("failed: 3 × ECONNREFUSED");
  });

  test("that fail now and then do not count as fast ones", async () => {
    const results = [4000, "ETIMEDOUT", 2000, 6000];
    const report = await probeConnect({
      ...base,
      host: "127.0.0.1",
      port: 1,
      count: 4,
      open: () => ({ connect: () => results.shift()!, close: () => undefined }),
    });
    expect(report).toMatchObject({
      failed: 1,
      errors: { ETIMEDOUT: 1 },
      minNs: 2000,
      meanNs: 4000,
      p50Ns: 4000,
      p99Ns: 6000,
      maxNs: 6000,
    });
  });

  test("end when they are told to, and at the bound", async () => {
    const stop = new AbortController();
    let made = 0;
    const open = (): { connect: () => number; close: () => void } => ({
      connect: () => {
        if (++made === 5) stop.abort();
        return 1;
      },
      close: () => undefined,
    });
    const clock = { ...systemClock, sleep: () => Promise.resolve() };
    const report = await probeConnect({
      ...base,
      clock,
      host: "127.0.0.1",
      port: 1,
      open,
      signal: stop.signal,
    });
    expect(report.count).toBe(5);
    const bounded = await probeConnect({
      ...base,
      clock,
      host: "127.0.0.1",
      port: 1,
      count: 1e9,
      open,
    });
    expect(bounded.count).toBe(10_000);
  });

  test("to a name that does not resolve say so", async () => {
    const failure = await probeConnect({ ...base, host: "no.such.name.invalid", port: 1 }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(EdgeError);
    expect((failure as EdgeError).code).toBe("NAME_UNKNOWN");
  });
});
