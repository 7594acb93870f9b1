/** The Grafana dashboard beside what a run really serves at /metrics. */
import { describe, expect, test } from "bun:test";
import { grafanaDashboard, grafanaQueries } from "../../src/web/grafana.ts";
import { run, start } from "../support/binary.ts";

/** name → labels that its samples carry. */
async function metricsOfRun(): Promise<Map<string, Set<string>>> {
  await using running = start(["run", "--demo", "--http-listen", "127.0.0.1:0"]);
  const [, origin] = await running.until("stderr", /http on (http:\/\/\S+)/);
  const text = await (await fetch(`${origin}/metrics`)).text();
  const found = new Map<string, Set<string>>();
  for (const [, name, labels = ""] of text.matchAll(/^([a-z][a-z0-9_]*)(?:\{(.*)\})? /gm)) {
    const names = found.get(name!) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) names.add(label!);
    found.set(name!, names);
  }
  return found;
}

describe("the Grafana dashboard", () => {
  test("names only metrics and labels that a run has", async () => {
    const metrics = await metricsOfRun();
    expect(metrics.size).toBeGreaterThan(100);
    expect(grafanaQueries.length).toBeGreaterThan(25);
    for (const query of grafanaQueries) {
      const names = [...query.matchAll(/hftedge_[a-z0-9_]+/g)].map(([name]) => name);
      expect(names.length, query).toBeGreaterThan(0);
      const labels = new Set(names.flatMap((name) => [...(metrics.get(name) ?? [])]));
      // Prometheus itself adds the box.
      labels.add("instance");
      for (const name of names) expect([...metrics.keys()], query).toContain(name);
      const used = [
        ...[...query.matchAll(/(\w+)=~?"/g)].map(([, label]) => label!),
        ...[...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
      ];
      for (const label of used) expect([...labels], query).toContain(label);
    }
    const variables = JSON.stringify(grafanaDashboard()["templating"]);
    for (const [, name] of variables.matchAll(/label_values\((\w+)/g)) {
      expect([...metrics.keys()]).toContain(name!);
    }
  });

  test("has balanced queries", () => {
    for (const query of grafanaQueries) {
      const bare = query.replaceAll(/"[^"]*"/g, "");
      for (const [open, close] of ["()", "{}", "[]"].map((pair) => [...pair])) {
        expect(bare.split(open!).length, query).toBe(bare.split(close!).length);
      }
    }
  });

  test("is printed as JSON, with panels that do not overlap", async () => {
    const { code, stdout, stderr } = await run(["grafana"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const printed = JSON.parse(stdout);
    expect(printed).toEqual(grafanaDashboard());
    const taken = new Set<string>();
    for (const { gridPos } of printed.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`)).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    const ids = printed.panels.map(({ id }: { id: number }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
