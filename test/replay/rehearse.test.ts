/**
 * A bad day rehearsed with nothing but the program: `replay` sends A and B lines with impairments and
 * answers requests, `run` asks for what neither brought.
 */
import { Database } from "bun:sqlite";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { fullMarket } from "../../bench/full-market.ts";
import { historyFile } from "../../src/thread/plan.ts";
import { run } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { type RunningEdge, startRun } from "../support/hftedge-run.ts";
import { until } from "../support/until.ts";

const moldHeaderBytes = 20;
const messages = 20_000;

/** A market's messages as a file of length-prefixed ITCH. */
function marketFile(directory: string): string {
  const market = fullMarket({
    instruments: 50,
    liveOrders: 2_000,
    messages,
    seed: 7,
    datagramBytes: 400,
  });
  const parts: Buffer[] = [];
  for (let i = 0; i + 1 < market.offsets.length; i++) {
    const at = market.offsets[i]! + moldHeaderBytes;
    parts.push(market.bytes.subarray(at, market.offsets[i + 1]!));
  }
  const path = join(directory, "market.itch50");
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** Where the server is: on an address of its own nobody else is given its port meanwhile. */
const serverHost = "127.0.0.77";

/** A port that nobody has now: the receiver must know it before the server has it. */
async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: serverHost, port: 0 });
  const { port } = socket;
  socket.close();
  return port;
}

interface Summary {
  lines: { impairment: { dropped: number; duplicated: number; reordered: number } }[];
  server: { answered: number; unknown: number };
}

async function replay(edge: RunningEdge, file: string, ...args: string[]): Promise<Summary> {
  const to = edge.ports.flatMap((port) => ["--to", `udp://127.0.0.1:${port}`]);
  const done = await run(["replay", file, ...to, "--speed", "max", "--ack", "--json", ...args]);
  expect(done.stderr).toBe("");
  expect(done.code).toBe(0);
  return JSON.parse(done.stdout) as Summary;
}

/** Gaps of the history so far: how they ended, and how many messages were missing and came back. */
function history(edge: RunningEdge): { missing: number; recovered: number; words: string[] } {
  const database = new Database(join(edge.running.directory, historyFile), { readonly: true });
  try {
    const sums = database
      .query<{ missing: number | null; recovered: number | null }, []>(
        "select sum(lost) as missing, sum(recovered) as recovered from gap",
      )
      .get()!;
    const events = database
      .query<{ message: string }, []>("select message from event where kind = 'gap'")
      .all();
    return {
      missing: sums.missing ?? 0,
      recovered: sums.recovered ?? 0,
      words: events.map(({ message }) => message),
    };
  } finally {
    database.close();
  }
}

const isAnswered = (text: string): boolean => text.includes("sent again within");

const books = (report: Awaited<ReturnType<RunningEdge["stop"]>>["report"]) =>
  report.feed!.books.map(({ symbol, bid, bidSize, ask, askSize }) => {
    return { symbol, bid, bidSize, ask, askSize };
  });

describe("replay as the exchange", () => {
  test("two bad lines and requests: nothing is lost, and the history says what was sent again", async () => {
    using directory = emptyDirectory();
    const file = marketFile(directory.path);
    await using clean = await startRun("udp://127.0.0.1:0?format=itch50&name=clean&ack=true");
    await replay(clean, file);
    const expected = await clean.stop();

    const port = await freePort();
    const feed = `udp://127.0.0.1:0?format=itch50&name=bad&ack=true&holdUs=500&requestsMax=30&giveUpMs=600000&rerequest=udp://${serverHost}:${port}`;
    await using edge = await startRun(feed, ["--feed", "udp://127.0.0.1:0?name=bad"]);
    expect(edge.ports).toHaveLength(2);
    const impaired = "--drop 0.1 --duplicate 0.02 --reorder 0.03 --seed 3 --answer-drop 0.1";
    const sent = await replay(
      edge,
      file,
      ...impaired.split(" "),
      "--serve-rerequest",
      `${serverHost}:${port}`,
    );
    expect(sent.lines).toHaveLength(2);
    for (const { impairment } of sent.lines) expect(impairment.dropped).toBeGreaterThan(10);
    expect(sent.server.answered).toBeGreaterThan(0);
    await until(() => history(edge).words.some(isAnswered));

    const { missing, recovered, words } = history(edge);
    expect(missing).toBeGreaterThan(0);
    expect(recovered).toBe(missing);
    expect(words.filter((text) => text.includes("lost"))).toEqual([]);
    const { report } = await edge.stop();
    const { messages: all } = expected.report.feed!.feeds[0]!.counts;
    expect(all).toBeGreaterThan(messages - 1);
    expect(report.feed!.feeds[0]!.counts).toMatchObject({ messages: all, lostMessages: 0 });
    expect(report.feed!.counts["unknownOrders"]).toBe(0);
    expect(books(report)).toEqual(books(expected.report));
  });
});
