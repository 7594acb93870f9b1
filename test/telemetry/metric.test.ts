import { expect, test } from "bun:test";
import { join } from "node:path";
import { Metric } from "../../src/telemetry/metric.ts";

test("everyMetricIsWrittenSomewhere", async () => {
  const root = join(import.meta.dir, "../../src");
  const files = [...new Bun.Glob("**/*.ts").scanSync(root)].filter(
    (file) => file !== join("telemetry", "metric.ts"),
  );
  const texts = await Promise.all(files.map((file) => Bun.file(join(root, file)).text()));
  const words = new Set(texts.join("\n").match(/\b\w+\b/g));
  const idle = Object.values(Metric)
    .flatMap((metrics) => Object.keys(metrics))
    .filter((name) => !words.has(name));
  expect(idle).toEqual([]);
});
