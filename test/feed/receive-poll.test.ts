/** Datagrams read by the thread itself, from real sockets on loopback. */
import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { openFeedSocket } from "../../src/feed/socket.ts";
import { adoptSocket, PollSlots, releaseSocket, SenderName } from "../../src/feed/receive-poll.ts";
import { feedSocketOptions } from "../support/feed-socket.ts";
import { until } from "../support/until.ts";

const baseSeconds = Math.floor(Date.now() / 1000) - 10;
const loopbacks = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .map(({ address }) => address)
  .filter((address) => address === "127.0.0.1" || address === "::1");

/** A polled socket on this address and a sender to it, for the time of `use`. */
async function withSocket(
  host: string,
  use: (fd: number, sender: Bun.udp.ConnectedSocket<"buffer">) => Promise<void>,
): Promise<void> {
  const socket = await openFeedSocket(feedSocketOptions({ host }));
  const fd = adoptSocket(socket.fd);
  socket.close();
  const sender = await Bun.udpSocket({
    hostname: host,
    connect: { hostname: host, port: socket.port },
  });
  try {
    await use(fd, sender);
  } finally {
    sender.close();
    releaseSocket(fd);
  }
}

describe.each(loopbacks)("polled on %s", (host) => {
  test("everyDatagramOfEveryBurstHasItsLengthItsStampAndItsSender", async () => {
    const slots = new PollSlots(4, baseSeconds);
    const sender = new SenderName();
    await withSocket(host, async (fd, from) => {
      // A burst that fills the slots first: what it leaves behind in them must not be seen later.
      for (const burst of [4, 1, 3, 4]) {
        for (let i = 0; i < burst; i++) from.send(Buffer.alloc(10 * burst + i, burst));
        let got = 0;
        await until(() => {
          const taken = slots.receive(fd);
          expect(slots.error).toBe(0);
          for (let slot = 0; slot < taken; slot++, got++) {
            expect(slots.lengths[slot]).toBe(10 * burst + got);
            expect(slots.bytes[slot]![0]).toBe(burst);
            expect(slots.truncated[slot]).toBe(0);
            expect(slots.stampNs[slot]).toBeGreaterThan(0);
            slots.readName(slot, sender);
            expect(slots.isFrom(slot, sender)).toBe(true);
            expect(sender.port).toBe(from.port);
          }
          return got === burst;
        });
      }
    });
  });

  test("aSenderIsWrittenLikeTheAddressThatWasConfigured", async () => {
    const slots = new PollSlots(1, baseSeconds);
    const configured = new SenderName();
    const sender = new SenderName();
    await withSocket(host, async (fd, from) => {
      configured.read(host, from.port);
      from.send(Buffer.from("answer"));
      await until(() => slots.receive(fd) === 1);
      slots.readName(0, sender);
      expect([sender.address, sender.port]).toEqual([configured.address, configured.port]);
      expect(slots.isFrom(0, configured)).toBe(true);
    });
  });
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "0:0:0:0:0:0:0:1"],
  ["0:0:0:0:0:0:0:1", "0:0:0:0:0:0:0:1"],
  ["2001:DB8::a:0:5", "2001:db8:0:0:0:a:0:5"],
  ["fe80::7%eth0", "fe80:0:0:0:0:0:0:7"],
  ["::", "0:0:0:0:0:0:0:0"],
])("%s has one spelling", (text, spelling) => {
  const name = new SenderName();
  name.read(text, 26_400);
  expect([name.address, name.port]).toEqual([spelling, 26_400]);
});
