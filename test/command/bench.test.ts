/** `hftedge bench` as a user has it. What the figures are is not a test's to say. */
import { describe, expect, test } from "bun:test";
import type { BenchReport } from "../../src/thread/bench-run.ts";
import { run } from "../support/binary.ts";
import { OllamaServer } from "../support/ollama-server.ts";

const short = ["--rates=1000", "--seconds=0.2"];

describe("hftedge bench", () => {
  test("measures floor, tick to signal, stages, capacity and the model, and says what they mean", async () => {
    const server = await new OllamaServer({ evalMs: 2 }).start();
    // As when a run has loaded it.
    await fetch(`${server.url}/api/generate`, {
      method: "POST",
      body: JSON.stringify({ model: server.model }),
    });
    try {
      const done = await run(["bench", "--json", ...short, `--inference-hosts=${server.url}`]);
      expect(done.stderr).toBe("");
      const report = JSON.parse(done.stdout) as BenchReport & { verdict: string[] };
      const [{ floor, edge }] = report.rates as [BenchReport["rates"][number]];
      for (const { sent, answered, p50Ns } of [floor, edge]) {
        expect(sent).toBe(200);
        expect(answered).toBe(200);
        expect(p50Ns).toBeGreaterThan(0);
      }
      expect(report.stages.map(({ stage }) => stage)).toContain("state to decision (cache_access)");
      expect(["loss", "sender", "time"]).toContain(report.capacity.endedBy);
      expect(report.model).toMatchObject({ measured: true, requests: 8 });
      expect(report.verdict.join(" ")).toContain("loopback");
    } finally {
      await server.stop();
    }
  });

  test("in words, without a model", async () => {
    const done = await run(["bench", ...short, "--inference-hosts=http://127.0.0.1:9"]);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain("tick to signal");
    expect(done.stdout).toContain("Ollama does not answer on http://127.0.0.1:9");
  });

  test("rates that make no sense are refused", async () => {
    const done = await run(["bench", "--rates=0"]);
    expect(done.code).not.toBe(0);
    expect(done.stderr).toContain("--rates");
  });
});
