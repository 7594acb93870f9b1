/** Feed sockets on real loopback: unicast, multicast on a named interface, buffers, refusals. */
import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { EdgeError } from "../../src/error.ts";
import { interfaceAddress, openFeedSocket } from "../../src/feed/socket.ts";
import { getSocketOption, isRoot, SocketLevel, SocketOption } from "../../src/host/libc.ts";
import { feedSocketOptions as options } from "../support/feed-socket.ts";
import { openTestSender } from "../support/sender.ts";
import { until } from "../support/until.ts";

async function refusal(opening: Promise<{ close(): void }>): Promise<EdgeError> {
  try {
    (await opening).close();
  } catch (error) {
    if (error instanceof EdgeError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("unicast", () => {
  test("datagrams arrive with their sender, and can be answered", async () => {
    const got: [string, string][] = [];
    const socket = await openFeedSocket(
      options({
        onDatagram: (bytes, port, address) => {
          got.push([bytes.toString(), address]);
          socket.send(new Uint8Array(16), port, address);
        },
      }),
    );
    const sender = await openTestSender(socket.port);
    sender.send("tick");
    await until(() => got.length === 1);
    expect(got).toEqual([["tick", "127.0.0.1"]]);
    sender.close();
    socket.close();
  });

  test("a port in use is refused with who to look for; shared by both it is not", async () => {
    const first = await openFeedSocket(options());
    const error = await refusal(openFeedSocket(options({ port: first.port })));
    expect([error.code, error.hint]).toEqual(["PORT_IN_USE", expect.stringContaining("ss -ulpn")]);
    first.close();
    const shared = await openFeedSocket(options({ shareAddress: true }));
    const second = await openFeedSocket(options({ shareAddress: true, port: shared.port }));
    second.close();
    shared.close();
  });

  test("an address of another machine is refused", async () => {
    const error = await refusal(openFeedSocket(options({ host: "192.0.2.1" })));
    expect(error.code).toBe("ADDRESS_NOT_HERE");
  });

  test("a send to a dead port neither throws nor ends anything", async () => {
    const socket = await openFeedSocket(options());
    const dead = await openFeedSocket(options());
    const { port } = dead;
    dead.close();
    for (let i = 0; i < 20; i++) socket.send(new Uint8Array(8), port, "127.0.0.1");
    socket.close();
  });
});

describe("the receive buffer", () => {
  test("that was granted needs no words", async () => {
    const socket = await openFeedSocket(options());
    expect(socket.warnings).toEqual([]);
    expect(socket.receiveBufferBytes).toBe(2 * 131_072);
    expect(getSocketOption(socket.fd, SocketLevel.socket, SocketOption.receiveBuffer)).toBe(
      socket.receiveBufferBytes,
    );
    socket.close();
  });

  test("that is smaller than asked for is said, with the remedy", async () => {
    const wanted = 1_000_000_000;
    const socket = await openFeedSocket(options({ receiveBufferBytes: wanted }));
    if (socket.receiveBufferBytes >= 2 * wanted) expect(isRoot()).toBe(true);
    else expect(socket.warnings[0]).toContain(`net.core.rmem_max=${wanted}`);
    socket.close();
  });
});

describe("multicast", () => {
  const group = "239.255.77.1";

  test("a group joined on the loopback interface by its name receives what is sent to it", async () => {
    const got: string[] = [];
    const socket = await openFeedSocket(
      options({
        host: group,
        interface: "lo",
        onDatagram: (bytes) => void got.push(bytes.toString()),
      }),
    );
    const sender = await Bun.udpSocket({ hostname: "127.0.0.1" });
    sender.setMulticastInterface("127.0.0.1");
    sender.setMulticastLoopback(true);
    await until(() => {
      sender.send("to the group", socket.port, group);
      return got.length > 0;
    });
    expect(got[0]).toBe("to the group");
    sender.close();
    socket.close();
  });

  test("two receivers of one group and port stand side by side", async () => {
    const first = await openFeedSocket(options({ host: group, interface: "lo" }));
    const second = await openFeedSocket(
      options({ host: group, interface: "lo", port: first.port }),
    );
    first.close();
    second.close();
  });

  test("an unknown interface names those that there are", () => {
    expect(() => interfaceAddress("nosuch0")).toThrow("interface nosuch0 does not exist");
    try {
      interfaceAddress("nosuch0");
    } catch (error) {
      for (const name of Object.keys(networkInterfaces())) {
        expect((error as EdgeError).hint).toContain(name);
      }
    }
  });

  test("an interface may be given by its address", () => {
    expect(interfaceAddress("127.0.0.1")).toBe("127.0.0.1");
    expect(interfaceAddress("lo")).toBe("127.0.0.1");
  });
});
