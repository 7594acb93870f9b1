/** The model in the compiled program: faults on its side, seen from where the signals come out. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { binaryPath, run } from "../support/binary.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { type RunningEdge, startRun } from "../support/hftedge-run.ts";
import { type Fault, impatientModel } from "../support/ollama-fault.ts";
import { OllamaServer } from "../support/ollama-server.ts";
import { openTestSender } from "../support/sender.ts";
import { until } from "../support/until.ts";

beforeAll(() => void binaryPath(), 300_000);

/** The symbol's newest signal; only the end of what was written is looked at. */
function lastSignal(edge: RunningEdge, symbol: string): Record<string, unknown> | undefined {
  const text = edge.running.text("stdout");
  const at = text.lastIndexOf(`"symbol":"${symbol}"`);
  const end = text.indexOf("\n", at);
  if (at < 0 || end < 0) return undefined;
  return JSON.parse(text.slice(text.lastIndexOf("\n", at) + 1, end)) as Record<string, unknown>;
}

describe("every fault of the model's server", () => {
  let server: OllamaServer;
  let edge: RunningEdge;
  beforeAll(async () => {
    server = await new OllamaServer().start();
    edge = await startRun("udp://127.0.0.1:0?format=tick", [
      ...impatientModel,
      `--inference-hosts=${server.url}`,
      // Each symbol has states of its own, so that each fault meets unknown ones.
      "--state-symbol-in-key=always",
      "--signal-emit=every",
    ]);
  });
  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
    await server.stop();
  });

  const reasons: [Fault | "down", string, string][] = [
    ["down", "error", "model unreachable"],
    ["404", "error", "model unreachable"],
    ["500", "error", "model unreachable"],
    ["503", "error", "model unreachable"],
    ["cut", "error", "model unreachable"],
    ["error-under-200", "error", "model unreachable"],
    ["garbage", "error", "unreadable answer"],
    ["hang", "timeout", "deadline"],
  ];
  test("is HOLD with its reason, and ends by itself", async () => {
    for (const [fault, source, reason] of reasons) {
      const symbol = fault.replaceAll("-", "").toUpperCase();
      const socket = await openTestSender(edge.ports[0]!);
      const feedUntil = (condition: () => boolean): Promise<void> =>
        until(() => {
          const quote = { price: 100, bid: 99.99, ask: 100, bidSize: 900, askSize: 100 };
          const timestamp = Date.now();
          socket.send(JSON.stringify({ symbol, timestamp, volume: 100, ...quote }));
          return condition();
        });
      const last = () => lastSignal(edge, symbol);
      if (fault === "down") await server.stop();
      else server.fault = fault;
      await feedUntil(() => last()?.["source"] === source && last()?.["reason"] === reason);
      expect(last(), fault).toMatchObject({ signal: "HOLD", confidence: 0 });
      if (fault === "down") await server.start();
      else server.fault = "none";
      await feedUntil(() => last()?.["signal"] === "BUY");
      expect(last()!["version"], fault).not.toBe("0000000000000000");
      socket.close();
    }
  }, 60_000);
});

const captures = [
  ["aapl-20200130.itch50", "format=itch50&date=2020-01-30"],
  ["iex-deep-20231002.pcap.gz", "format=iex&date=2023-10-02&partialBooks=true"],
] as const;
describe("after warming every state", () => {
  for (const [file, feed] of captures) {
    test.skipIf(!hasCapture(file))(
      `a replay of ${file} has no miss (needs the captures)`,
      async () => {
        const server = await new OllamaServer({ parallel: 16 }).start();
        server.keepCalls = false;
        try {
          await using edge = await startRun(`udp://127.0.0.1:0?ack=true&${feed}`, [
            "--inference-engine=ollama",
            "--inference-warm=all",
            "--inference-parallel=16",
            `--inference-hosts=${server.url}`,
          ]);
          await edge.running.until("stderr", /warm: 4320 of 4320 states/);
          const asked = server.questions;
          const to = `udp://127.0.0.1:${edge.ports[0]}`;
          const args = ["--to", to, "--speed", "max", "--ack", "--json"];
          await run(["replay", capturePath(file), ...args]);
          const { report } = await edge.stop();
          expect(report.feed!.counts["l1Hits"]).toBeGreaterThan(1000);
          expect(report.feed!.counts["l1Misses"]).toBe(0);
          expect(server.questions).toBe(asked);
        } finally {
          await server.stop();
        }
      },
      60_000,
    );
  }
});
