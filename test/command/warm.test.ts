/** `hftedge warm` as a user has it: the compiled program, a server, a data directory. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { binaryPath, run, start } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { startRun } from "../support/hftedge-run.ts";
import { OllamaServer, type OllamaServerOptions } from "../support/ollama-server.ts";
import { until } from "../support/until.ts";

beforeAll(() => void binaryPath(), 300_000);

const servers: OllamaServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(options: OllamaServerOptions = {}): Promise<OllamaServer> {
  const server = await new OllamaServer(options).start();
  servers.push(server);
  return server;
}

/** 3 × 6 states: each unknown bucket is a state too. */
const features = [
  { feature: "spread", edges: [1.5] },
  { feature: "imbalance", edges: [-0.6, -0.2, 0.2, 0.6] },
];

function small(server: OllamaServer, directory: string): string[] {
  return [
    `--inference-hosts=${server.url}`,
    "--state-preset=custom",
    `--state-features=${JSON.stringify(features)}`,
    `--data-directory=${directory}`,
  ];
}

interface Outcome {
  done: number;
  total: number;
  version: string;
  finished: boolean;
}

describe("warm", () => {
  test("asks about every state, keeps the answers, and the next run starts with them", async () => {
    using folder = emptyDirectory();
    const server = await serve();
    const first = await run(["warm", "--json", ...small(server, folder.path)]);
    expect(first.code).toBe(0);
    const outcome = JSON.parse(first.stdout) as Outcome;
    expect(outcome).toMatchObject({ done: 18, total: 18, finished: true });
    const asked = server.questions;
    expect(asked).toBeGreaterThanOrEqual(18);

    const again = await run(["warm", ...small(server, folder.path)]);
    expect(again.stdout).toContain("18 of 18 states have an answer of llama3.2:3b");
    // No more than the warm-up of the server.
    expect(server.questions - asked).toBeLessThanOrEqual(2);

    await using edge = await startRun("udp://127.0.0.1:0?format=tick", [
      "--inference-engine=ollama",
      ...small(server, folder.path),
    ]);
    await edge.running.until(
      "stderr",
      new RegExp(`version ${outcome.version} decides; 18 of its answers`),
    );
  }, 60_000);

  test("stopped in the middle, it goes on from there", async () => {
    using folder = emptyDirectory();
    const server = await serve({ evalMs: 30 });
    const running = start(["warm", "--json", ...small(server, folder.path)]);
    await until(() => server.questions >= 8);
    running.signal("SIGINT");
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    const cut = JSON.parse(stdout) as Outcome;
    expect(cut.finished).toBe(false);
    const before = server.questions;
    const done = JSON.parse(
      (await run(["warm", "--json", ...small(server, folder.path)])).stdout,
    ) as Outcome;
    expect(done).toMatchObject({ done: 18, finished: true, version: cut.version });
    expect(server.questions - before).toBeLessThanOrEqual(18 - cut.done + 2);
  }, 60_000);

  test("what cannot be warmed is refused with the remedy", async () => {
    using folder = emptyDirectory();
    const data = `--data-directory=${folder.path}`;
    const rules = await run(["warm", "--inference-engine=rules", data]);
    expect(rules.code).toBe(1);
    expect(rules.stderr).toContain("nothing to warm");
    const endless = await run(["warm", "--state-preset=price-volume", data]);
    expect(endless.code).toBe(1);
    expect(endless.stderr).toContain("hftedge warm observed");
  });
});
