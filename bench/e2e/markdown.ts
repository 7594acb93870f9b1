/** The end-to-end report for people: medians of rounds, ratios of the same round. */
import { headLine, median, type ReportHead } from "../machine.ts";
import type { CapacityResult } from "./capacity.ts";
import type { LoadResult } from "./load.ts";
import type { LossFreeResult } from "./loss-free.ts";
import { edgeOnTicks, guide } from "./subject.ts";

export interface LatencyRow {
  part: "floors" | "guide";
  rate: number;
  round: number;
  contender: string;
  result: LoadResult;
}

export interface CapacityRow {
  round: number;
  contender: string;
  result: CapacityResult;
}

export interface LossFreeRow {
  round: number;
  contender: string;
  result: LossFreeResult;
}

export interface EndToEndReport extends ReportHead {
  rounds: number;
  seconds: number;
  warmupSeconds: number;
  latency: LatencyRow[];
  lossFree: LossFreeRow[];
  capacity: CapacityRow[];
}

const polledNames: readonly string[] = ["spinning echo", "hftedge, polled"];

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}

/** "1.23" below ten, "12.3" below a hundred, then whole numbers with separators. */
function shown(value: number): string {
  if (Number.isNaN(value)) return "no answer";
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Median over the rounds of own ÷ other, both of the same round. */
function ratio<T extends { round: number }>(
  own: readonly T[],
  other: readonly T[],
  value: (row: T) => number,
): number {
  return median(
    own.map((row) => value(row) / value(other.find(({ round }) => round === row.round)!)),
  );
}

function latencyTable(rows: readonly LatencyRow[], baseline: string): string[] {
  const lines = [
    `| rate/s | what | p50 µs | p90 µs | p99 µs | p99.9 µs | most µs | lost | p50 ÷ ${baseline} | p99 ÷ ${baseline} |`,
    "| --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |",
  ];
  for (const rate of unique(rows.map((row) => row.rate))) {
    const here = rows.filter((row) => row.rate === rate);
    const base = here.filter((row) => row.contender === baseline);
    for (const contender of unique(here.map((row) => row.contender))) {
      const own = here.filter((row) => row.contender === contender);
      const pick = (key: keyof LoadResult): string =>
        shown(median(own.map(({ result }) => result[key])));
      const cells = [
        String(rate),
        contender,
        ...(["p50Us", "p90Us", "p99Us", "p999Us", "maxUs"] as const).map(pick),
        String(own.reduce((sum, { result }) => sum + result.lost, 0)),
        ...(["p50Us", "p99Us"] as const).map((key) =>
          inverse(ratio(own, base, ({ result }) => result[key])),
        ),
      ];
      lines.push(`| ${cells.join(" | ")} |`);
    }
  }
  return lines;
}

/** A ratio far below one is easier to read as a fraction. */
function inverse(value: number): string {
  return value > 0 && value < 0.2 ? `1/${shown(1 / value)}` : shown(value);
}

function capacityTable(rows: readonly CapacityRow[], baseline: string): string[] {
  const base = rows.filter((row) => row.contender === baseline);
  const lines = [
    `| what | messages a datagram | datagrams/s | messages/s | datagrams ÷ ${baseline} | messages ÷ ${baseline} | unanswered |`,
    "| --- | --: | --: | --: | --: | --: | --: |",
  ];
  for (const contender of unique(rows.map((row) => row.contender))) {
    const own = rows.filter((row) => row.contender === contender);
    const { datagrams, messages } = own[0]!.result;
    const keys = ["datagramsPerSecond", "messagesPerSecond"] as const;
    const cells = [
      contender,
      String(messages / datagrams),
      ...keys.map((key) =>
        Math.round(median(own.map(({ result }) => result[key]))).toLocaleString("en"),
      ),
      ...keys.map((key) => shown(ratio(own, base, ({ result }) => result[key]))),
      String(own.reduce((sum, { result }) => sum + result.unanswered, 0)),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines;
}

function lossFreeTable(rows: readonly LossFreeRow[]): string[] {
  const lines = [
    "| what | datagrams/s without loss | of the rounds | the next rate tried failed by |",
    "| --- | --: | --- | --- |",
  ];
  for (const contender of unique(rows.map((row) => row.contender))) {
    const results = rows.filter((row) => row.contender === contender).map(({ result }) => result);
    const rates = results.map(({ lossFree }) => lossFree);
    const each = rates.map((rate) => rate.toLocaleString("en")).join(", ");
    const ends = unique(results.map(({ endedBy }) => endedBy)).join(", ");
    lines.push(`| ${contender} | ${median(rates).toLocaleString("en")} | ${each} | ${ends} |`);
  }
  return lines;
}

export function markdown(report: EndToEndReport): string {
  const { rounds, seconds, warmupSeconds } = report;
  const floors = report.latency.filter(({ part }) => part === "floors");
  const guideRows = report.latency.filter(({ part }) => part === "guide");
  const parts = [
    [
      `${headLine(report)}`,
      "",
      `Over loopback, load and subject on the same CPUs; ${rounds} rounds of ${seconds} s after ${warmupSeconds} s of warm-up. Latency is from each datagram's intended send time to its answer (open loop). Medians of the rounds; ratios are of figures of the same round.`,
    ],
  ];
  if (floors.length > 0) {
    parts.push([
      "### Tick to signal, ITCH, one message a datagram",
      "",
      ...latencyTable(
        floors.filter(({ contender }) => !polledNames.includes(contender)),
        "bun echo",
      ),
    ]);
    parts.push([
      "### The same, received by a thread that spins",
      "",
      ...latencyTable(
        floors.filter(({ contender }) => polledNames.includes(contender)),
        "spinning echo",
      ),
    ]);
  }
  if (report.lossFree.length > 0) {
    parts.push([
      "### The highest rate without loss",
      "",
      "ITCH, one message a datagram, open loop in batches of 16; the default receive buffer.",
      "",
      ...lossFreeTable(report.lossFree),
    ]);
  }
  if (guide !== undefined && guideRows.length > 0) {
    parts.push([
      "### Beside the guides' pipeline",
      "",
      "asyncio, a queue of 10,000, batches of 100 or 5 ms, 16 workers, two LRU levels, and an instant answer in the model's place. The same JSON ticks of 64 symbols to both, an answer to each.",
      "",
      ...latencyTable(guideRows, guide.name),
    ]);
    parts.push([
      "### The most each takes",
      "",
      `At most 2,048 datagrams unanswered at a time. ${edgeOnTicks.name}: a signal for every tick. On change: signals where a decision changes, as by default, paced by acknowledgements.`,
      "",
      ...capacityTable(report.capacity, guide.name),
    ]);
  }
  return `${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
}
