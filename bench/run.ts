/**
 * Every micro-benchmark, one after another, as a report: `bun run bench [--rounds 1] [--only NAME]
 * [--out dist/bench]`. Writes OUT.json (each round's figures, for compare.ts) and OUT.md. Rounds go
 * through all benchmarks in turn, so that a slow minute of the machine hits all of them alike.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { headLine, median, reportHead, type ReportHead } from "./machine.ts";
import type { Figure } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    out: { type: "string", default: "dist/bench" },
  },
});

export interface Report extends ReportHead {
  rounds: Figure[][];
}

const here = import.meta.dir;
const files = [...new Bun.Glob("*.bench.ts").scanSync({ cwd: here })]
  .filter((file) => file.includes(values.only))
  .toSorted();
mkdirSync(dirname(values.out), { recursive: true });

async function round(): Promise<Figure[]> {
  const out = `${values.out}.figures`;
  rmSync(out, { force: true });
  for (const file of files) {
    console.log(`\n=== ${file}`);
    const child = Bun.spawn([process.execPath, join(here, file)], {
      env: { ...process.env, HFTEDGE_BENCH_OUT: out, NO_COLOR: "1" },
      stdio: ["ignore", "inherit", "inherit"],
    });
    if ((await child.exited) !== 0) throw new Error(`${file} failed`);
  }
  const lines = existsSync(out) ? readFileSync(out, "utf8").trim().split("\n") : [];
  rmSync(out, { force: true });
  return lines.map((line) => JSON.parse(line) as Figure);
}

const report: Report = { ...(await reportHead()), rounds: [] };
for (let i = 0; i < Number(values.rounds); i++) report.rounds.push(await round());

function markdown(from: Report): string {
  const { rounds } = from;
  const lines = [
    `${headLine(from)}, ${rounds.length} rounds`,
    "",
    "| benchmark | what | median | least | most | unit |",
    "| --- | --- | --: | --: | --: | --- |",
  ];
  for (const { bench, name, unit } of rounds[0] ?? []) {
    const all = rounds.flatMap((figures) =>
      figures.filter((other) => other.bench === bench && other.name === name),
    );
    const list = all.map(({ value }) => value);
    const shown = [median(list), Math.min(...list), Math.max(...list)].map((value) =>
      value.toLocaleString("en", { maximumSignificantDigits: 4 }),
    );
    lines.push(`| ${bench} | ${name} | ${shown.join(" | ")} | ${unit} |`);
  }
  return `${lines.join("\n")}\n`;
}

await Bun.write(`${values.out}.json`, `${JSON.stringify(report, null, 2)}\n`);
await Bun.write(`${values.out}.md`, markdown(report));
console.log(`\n${values.out}.json and ${values.out}.md written`);
