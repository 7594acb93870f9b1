/** Whole replays over real loopback sockets. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EdgeError } from "../../src/error.ts";
import { replay, type ReplayOptions } from "../../src/replay/replay.ts";
import type { ReplaySummary } from "../../src/replay/report.ts";
import { bytesOf, ethernet, ipv4, pcap, udp } from "../support/packet.ts";
import { createReceiver } from "../support/receiver.ts";
import { clean } from "../support/replay.ts";
import { openOptions, withFile } from "../support/source.ts";
import { until } from "../support/until.ts";

const ack = { window: 256, bytes: 160 * 1024, timeoutMs: 2000 };

function options(file: string, port: number, changes: Partial<ReplayOptions>): ReplayOptions {
  return {
    file,
    targets: [{ host: "127.0.0.1", port, interface: null, ttl: null }],
    open: openOptions(),
    speed: Number.POSITIVE_INFINITY,
    passes: 1,
    limit: Number.POSITIVE_INFINITY,
    burst: 64,
    impairment: clean,
    endOfSession: false,
    ack,
    ...changes,
  };
}

const hooks = { stopped: () => false, onProgress: () => {} };

const run = (
  file: string,
  port: number,
  changes: Partial<ReplayOptions> = {},
): Promise<ReplaySummary> => replay(options(file, port, changes), hooks);

const packets = Array.from({ length: 3000 }, (_, i) => ({
  bytes: ethernet(ipv4(udp(bytesOf(`${i} `.padEnd(20 + (i % 1200)))))),
  seconds: 1,
  nanos: i * 1000,
}));

describe("paced by acknowledgements", () => {
  test("3,000 datagrams at full speed arrive, all and in order", async () => {
    await using receiver = await createReceiver(true);
    await withFile(pcap(packets, true, true), async (path) => {
      const summary = await run(path, receiver.port);
      expect(summary).toMatchObject({
        end: "complete",
        datagrams: 3000,
        ack: { acknowledged: 3000, unacknowledged: 0, silences: 0 },
        error: null,
      });
      const numbers = receiver.datagrams.map((d) => Number.parseInt(Buffer.from(d).toString(), 10));
      expect(numbers).toEqual(packets.map((_, i) => i));
    });
  });

  test("a receiver that never answers does not hold it up for ever, and that is told", async () => {
    await using receiver = await createReceiver(false);
    await withFile(pcap(packets.slice(0, 400), true, true), async (path) => {
      const summary = await run(path, receiver.port, { ack: { ...ack, timeoutMs: 5 } });
      expect(summary.datagrams).toBe(400);
      expect(summary.ack).toEqual({ acknowledged: 0, unacknowledged: 400, silences: 3 });
    });
  });

  test("three passes over one file", async () => {
    await using receiver = await createReceiver(true);
    await withFile(pcap(packets.slice(0, 100), true, true), async (path) => {
      const summary = await run(path, receiver.port, { passes: 3 });
      expect([summary.passes, summary.datagrams, receiver.datagrams.length]).toEqual([3, 300, 300]);
      expect(summary.source["packets"]).toBe(300);
    });
  });

  test("impairment by one seed reaches the receiver the same way twice", async () => {
    const impairment = {
      ...clean,
      seed: 5,
      drop: 0.1,
      duplicate: 0.1,
      reorder: 0.1,
      truncate: 0.1,
    };
    const texts: string[][] = [];
    for (let round = 0; round < 2; round++) {
      await using receiver = await createReceiver(true);
      await withFile(pcap(packets.slice(0, 500), true, true), async (path) => {
        const summary = await run(path, receiver.port, { impairment });
        const { dropped, duplicated } = summary.lines[0]!.impairment;
        expect(receiver.datagrams.length).toBe(500 - dropped + duplicated);
      });
      texts.push(receiver.datagrams.map((d) => Buffer.from(d).toString()));
    }
    expect(texts[1]).toEqual(texts[0]!);
  });
});

test("a broken file: what came before arrives, the summary carries the error", async () => {
  await using receiver = await createReceiver(true);
  const file = pcap(packets.slice(0, 10), true, true);
  const broken = Buffer.concat([file, Buffer.alloc(16, 0xff)]);
  await withFile(broken, async (path) => {
    const summary = await run(path, receiver.port);
    expect(summary.end).toBe("broken");
    expect(summary.error?.code).toBe("CAPTURE_BROKEN");
    expect(summary.error?.message).toContain(`at byte ${file.length + 8}:`);
    expect(receiver.datagrams.length).toBe(10);
  });
});

test("IPv6 and multicast targets are reached", async () => {
  const file = pcap(packets.slice(0, 3), true, true);
  const targets: [string, string, string | null][] = [
    ["::1", "::1", null],
    ["0.0.0.0", "239.255.77.1", "lo"],
  ];
  for (const [bind, host, from] of targets) {
    let received = 0;
    const socket = await Bun.udpSocket({
      hostname: bind,
      port: 0,
      socket: {
        data() {
          received += 1;
        },
      },
    });
    if (from !== null) socket.addMembership(host, "127.0.0.1");
    const target = { host, port: socket.port, interface: from, ttl: from === null ? null : 1 };
    await withFile(file, (path) => run(path, 0, { targets: [target], ack: undefined }));
    await until(() => received === 3);
    socket.close();
  }
});

test("a port that nobody listens on is counted, not fatal", async () => {
  const gone = await createReceiver(false);
  await gone[Symbol.asyncDispose]();
  await withFile(pcap(packets.slice(0, 200), true, true), async (path) => {
    const summary = await run(path, gone.port, { ack: undefined, speed: 1 });
    expect(summary.datagrams).toBe(200);
    expect(summary.lines[0]!.refused).toBeGreaterThan(0);
  });
});

test("an unknown host, an unknown interface and a missing file are one clear error each", async () => {
  await withFile(pcap(packets.slice(0, 1), true, true), async (path) => {
    const target = { host: "127.0.0.1", port: 9, interface: null, ttl: null };
    const attempts: [Partial<ReplayOptions>, string][] = [
      [{ targets: [{ ...target, host: "no-such-host.invalid" }] }, "HOST_UNKNOWN"],
      [{ targets: [{ ...target, interface: "nosuch0" }] }, "INTERFACE_UNKNOWN"],
      [{ file: `${path}.missing` }, "FILE_UNREADABLE"],
    ];
    for (const [changes, code] of attempts) {
      const error = await run(path, 9, changes).catch((e: unknown) => e);
      expect((error as EdgeError).code).toBe(code);
    }
  });
});

const captures = join(import.meta.dir, "../../../shared/captures");
test.skipIf(!existsSync(captures))(
  "the real captures arrive whole at full speed (needs the captures)",
  async () => {
    await using itch = await createReceiver(true);
    const aapl = await run(join(captures, "aapl-20200130.itch50"), itch.port);
    expect(aapl.ack?.unacknowledged).toBe(0);
    const messages = itch.datagrams.reduce((sum, d) => sum + Buffer.from(d).readUInt16BE(18), 0);
    expect(messages).toBe(10_000);
    await using deep = await createReceiver(true);
    const iex = await run(join(captures, "iex-deep-20231002.pcap.gz"), deep.port);
    expect([iex.ack?.unacknowledged, deep.datagrams.length]).toEqual([0, 5000]);
  },
);
