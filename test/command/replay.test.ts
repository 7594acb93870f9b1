import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { whole } from "../../src/command/argument.ts";
import { destination, probability, speed, target } from "../../src/command/replay-option.ts";
import { bytesOf, ethernet, ipv4, pcap, udp } from "../support/packet.ts";
import { createReceiver } from "../support/receiver.ts";
import { withFile } from "../support/source.ts";

const main = join(import.meta.dir, "../../src/main.ts");

async function hftedge(
  args: string[],
  stdin?: Uint8Array,
): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, main, ...args], {
    stdin: stdin ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

const file = pcap(
  Array.from({ length: 50 }, (_, i) => ({
    bytes: ethernet(ipv4(udp(bytesOf(`n${i}`)))),
    seconds: 1,
    nanos: i,
  })),
  true,
  true,
);

describe("hftedge replay", () => {
  test("sends a file and prints its summary as JSON, words nowhere in it", async () => {
    await using receiver = await createReceiver(true);
    await withFile(file, async (path) => {
      const to = `udp://127.0.0.1:${receiver.port}`;
      const { code, out, err } = await hftedge([
        "replay",
        path,
        "--to",
        to,
        "--speed",
        "max",
        "--ack",
        "--json",
      ]);
      expect([code, err]).toEqual([0, ""]);
      expect(JSON.parse(out)).toMatchObject({
        end: "complete",
        datagrams: 50,
        ack: { unacknowledged: 0 },
      });
      expect(receiver.datagrams.map((d) => Buffer.from(d).toString())).toEqual(
        Array.from({ length: 50 }, (_, i) => `n${i}`),
      );
    });
  });

  test("reads standard input, and says on stderr what it did", async () => {
    await using receiver = await createReceiver(true);
    const to = `udp://127.0.0.1:${receiver.port}`;
    const { code, out, err } = await hftedge(["replay", "-", "--to", to, "--limit", "20"], file);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("20 datagrams");
    expect(err).toContain("ended by --limit");
  });

  test("a broken file: exit code 1, one line with the offset, one with the remedy", async () => {
    await using receiver = await createReceiver(true);
    await withFile(Buffer.concat([file, Buffer.alloc(16, 0xff)]), async (path) => {
      const to = `udp://127.0.0.1:${receiver.port}`;
      const { code, err } = await hftedge(["replay", path, "--to", to, "--speed", "max", "--ack"]);
      expect(code).toBe(1);
      expect(err).toContain(
        `hftedge: ${path}: at byte ${file.length + 8}: a packet claims 4294967295 bytes`,
      );
      expect(receiver.datagrams.length).toBe(50);
    });
  });

  test("standard input cannot be looped", async () => {
    const { code, err } = await hftedge(
      ["replay", "-", "--to", "udp://127.0.0.1:9", "--loop"],
      file,
    );
    expect([code, err.split("\n")[0]]).toEqual([
      1,
      "hftedge: standard input can be read only once",
    ]);
  });
});

function filter(text: string): unknown {
  const { address, port } = destination(text, [])[0]!;
  return [address === undefined ? "any" : Buffer.from(address).toString("hex"), port];
}

describe("options", () => {
  test("targets add up and take interface and ttl", () => {
    expect(target("udp://[::1]:7", target("udp://239.1.1.1:5?interface=eth1&ttl=3", []))).toEqual([
      { host: "239.1.1.1", port: 5, interface: "eth1", ttl: 3 },
      { host: "::1", port: 7, interface: null, ttl: null },
    ]);
    for (const bad of [
      "127.0.0.1:5",
      "udp://a:0",
      "udp://a:5?ttl=0",
      "udp://a:5?ttl=256",
      "udp://a:5?x=1",
    ]) {
      expect(() => target(bad, [])).toThrow();
    }
  });

  test("filters take IPv4, IPv6, a port or both", () => {
    expect(filter("233.54.12.111:26400")).toEqual(["e9360c6f", 26_400]);
    expect(filter("233.54.12.111")).toEqual(["e9360c6f", 0]);
    expect(filter(":26400")).toEqual(["any", 26_400]);
    expect(filter("[ff02::99]:1")).toEqual(["ff020000000000000000000000000099", 1]);
    expect(filter("::ffff:10.0.0.1")).toEqual(["00000000000000000000ffff0a000001", 0]);
    for (const bad of ["host:5", ":0", ":70000", "", "1.2.3:4"])
      expect(() => destination(bad, [])).toThrow();
  });

  test("speeds, counts and probabilities have bounds", () => {
    expect(["max", "original", "10", "0.5", "2x"].map(speed)).toEqual([
      Number.POSITIVE_INFINITY,
      1,
      10,
      0.5,
      2,
    ]);
    for (const bad of ["", "0", "-1", "fast", "NaN"]) expect(() => speed(bad)).toThrow();
    expect(whole(1, 10)("10")).toBe(10);
    for (const bad of ["0", "11", "1.5", "", "1e1"]) expect(() => whole(1, 10)(bad)).toThrow();
    expect(["0", "1", "0.25"].map(probability)).toEqual([0, 1, 0.25]);
    for (const bad of ["", " ", "1.1", "-0.1", "x"]) expect(() => probability(bad)).toThrow();
  });
});
