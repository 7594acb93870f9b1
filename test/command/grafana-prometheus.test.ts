/**
 * Every query of the Grafana dashboard, answered by a real Prometheus that scrapes a demo whose
 * decisions come from a model: none of them is without an answer there.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { grafanaDashboard } from "../../src/web/grafana.ts";
import { type Running, start } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { OllamaServer } from "../support/ollama-server.ts";

const prometheusPath = Bun.which("prometheus");
if (prometheusPath === null) {
  console.warn("prometheus is not installed: the Grafana dashboard's queries are not tried");
}

interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface Reply {
  status: string;
  error?: string;
  data?: { result: Sample[] };
}

interface Target {
  expr: string;
  legendFormat: string;
}

interface Panel {
  title: string;
  targets?: Target[];
}

/** Variables as Grafana fills them in: values in a regular expression are escaped. */
function asGrafanaWould(expr: string, box: string): string {
  return expr
    .replaceAll("$instance", box.replaceAll(".", String.raw`\\.`))
    .replaceAll("$stage", String.raw`total_pipeline\\.cached`)
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$__range", "1m");
}

describe.skipIf(prometheusPath === null)("the Grafana dashboard over Prometheus", () => {
  const folder = emptyDirectory();
  let server: OllamaServer;
  let running: Running;
  let prometheus: Bun.Subprocess<"ignore", "ignore", "pipe">;
  let origin = "";
  let box = "";
  beforeAll(async () => {
    server = await new OllamaServer({ evalMs: 5 }).start();
    const model = [
      "--inference-engine=ollama",
      `--inference-hosts=${server.url}`,
      // So many states that unknown ones come for as long as the test lasts.
      "--state-symbol-in-key=always",
    ];
    running = start(["run", "--demo", "--http-listen", "127.0.0.1:0", ...model]);
    box = new URL((await running.until("stderr", /http on (http:\/\/\S+)/))[1]!).host;
    const file = join(folder.path, "prometheus.json");
    writeFileSync(
      file,
      JSON.stringify({
        global: { scrape_interval: "500ms", scrape_timeout: "500ms" },
        scrape_configs: [{ job_name: "hftedge", static_configs: [{ targets: [box] }] }],
      }),
    );
    prometheus = Bun.spawn(
      [
        prometheusPath!,
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder.path, "data")}`,
        "--web.listen-address=127.0.0.1:0",
        "--log.level=info",
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    await ready(prometheus.stderr);
  });
  afterAll(async () => {
    prometheus?.kill();
    await prometheus?.exited;
    await running?.[Symbol.asyncDispose]();
    await server?.stop();
    folder[Symbol.dispose]();
  });

  async function ready(stderr: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let words = "";
    const reader = stderr.getReader();
    while (!words.includes("Server is ready")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`prometheus ended: ${words.slice(-2000)}`);
      words += decoder.decode(value, { stream: true });
    }
    const address = /"Listening on" address=(\S+)/.exec(words)?.[1];
    if (address !== undefined) origin = `http://${address}`;
    // Read on: a pipe that nobody reads any more would end it with its next line.
    void (async () => {
      while (!(await reader.read()).done) continue;
    })();
    // It says so a moment before it is.
    while (!(await fetch(`${origin}/-/ready`)).ok) await Bun.sleep(20);
  }

  async function ask(expr: string): Promise<Sample[]> {
    const query = asGrafanaWould(expr, box);
    const reply = await fetch(`${origin}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { status, error, data } = (await reply.json()) as Reply;
    if (status !== "success") throw new Error(`${query}: ${error}`);
    return data!.result;
  }

  /** What is wrong with the answer, "" for nothing. */
  async function troubleOf({ expr, legendFormat }: Target): Promise<string> {
    const samples = await ask(expr);
    if (samples.length === 0) return "nothing";
    const wrong = samples.find(({ value: [, text] }) => !Number.isFinite(Number(text)));
    if (wrong !== undefined) return `${wrong.value[1]} for ${JSON.stringify(wrong.metric)}`;
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      if (samples.some(({ metric }) => metric[label!] === undefined)) return `no label ${label}`;
    }
    return "";
  }

  test("answers every query with finite numbers and the labels of its legend", async () => {
    const panels = (grafanaDashboard()["panels"] as Panel[]).flatMap(({ title, targets = [] }) =>
      targets.map((target) => ({ ...target, title })),
    );
    expect(panels.length).toBeGreaterThan(25);
    const deadlineMs = performance.now() + 45_000;
    let open = panels;
    let troubles: string[] = [];
    do {
      const left: typeof panels = [];
      troubles = [];
      for (const target of open) {
        const trouble = await troubleOf(target);
        if (trouble === "") continue;
        left.push(target);
        troubles.push(`${target.title}: ${target.expr}: ${trouble}`);
      }
      open = left;
      // A rate needs two scrapes.
      if (open.length > 0) await Bun.sleep(250);
    } while (open.length > 0 && performance.now() < deadlineMs);
    expect(troubles).toEqual([]);
  });

  test("knows the values of the variables", async () => {
    for (const [label, metric, value] of [
      ["instance", "hftedge_build_info", box],
      ["stage", "hftedge_stage_duration_seconds_count", "total_pipeline.cached"],
    ] as const) {
      const match = `match[]=${encodeURIComponent(metric)}`;
      const deadlineMs = performance.now() + 45_000;
      let data: string[] = [];
      while (!data.includes(value) && performance.now() < deadlineMs) {
        const reply = await fetch(`${origin}/api/v1/label/${label}/values?${match}`);
        ({ data } = (await reply.json()) as { data: string[] });
        // The first scrape may not have been yet.
        if (!data.includes(value)) await Bun.sleep(100);
      }
      expect(data).toContain(value);
    }
  });
});
