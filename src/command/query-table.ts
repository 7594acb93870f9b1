/** Answers of the API as tables for people. */
import { duration } from "../unit.ts";
import { alignColumns } from "./output.ts";

export type Item = Readonly<Record<string, unknown>>;

interface Column {
  title: string;
  text(item: Item): string;
}

const plain = (name: string): Column => ({
  title: name,
  text: (item) => String(item[name] ?? "-"),
});
const ns = (field: string, title: string): Column => ({
  title,
  text: (item) => duration((item[field] as number | null) ?? null),
});
const time = (field: string, title = field): Column => ({
  title,
  text: (item) => {
    const ms = item[field];
    return typeof ms === "number" ? new Date(ms).toISOString().replace("T", " ").slice(0, 23) : "-";
  },
});
const success: Column = {
  title: "success",
  text: ({ successRate }) =>
    typeof successRate === "number" ? `${Number((successRate * 100).toFixed(3))} %` : "-",
};

export const summaryColumns: readonly Column[] = [
  plain("stage"),
  plain("count"),
  success,
  ns("meanNs", "mean"),
  ns("medianNs", "median"),
  ns("minNs", "min"),
  ns("p95Ns", "p95"),
  ns("p99Ns", "p99"),
  ns("p999Ns", "p99.9"),
  ns("maxNs", "max"),
];

export const alertColumns: readonly Column[] = [
  time("openedMs", "opened"),
  time("resolvedMs", "resolved"),
  plain("severity"),
  plain("rule"),
  plain("subject"),
  plain("count"),
  { title: "worst", text: ({ worst, unit }) => amount(worst as number, unit as string) },
  { title: "limit", text: ({ limit, unit }) => amount(limit as number, unit as string) },
];

export const signalColumns: readonly Column[] = [
  time("atMs", "time"),
  plain("feed"),
  plain("symbol"),
  plain("signal"),
  { title: "confidence", text: ({ confidence }) => (confidence as number).toFixed(2) },
  plain("source"),
  plain("price"),
  ns("latencyNs", "latency"),
];

/** Steps of a series; the percentiles are whatever was asked for. */
export function seriesColumns(first: Item | undefined): readonly Column[] {
  const percentiles = Object.keys(first ?? {}).filter((name) => /^p\d/.test(name));
  return [
    time("atMs", "time"),
    plain("stage"),
    plain("count"),
    success,
    ns("meanNs", "mean"),
    ...percentiles.map((name) => ns(name, name.slice(0, -2).replace("_", "."))),
    ns("maxNs", "max"),
  ];
}

export function tableOf(columns: readonly Column[], items: readonly Item[]): string {
  const head = columns.map(({ title }) => title.toUpperCase());
  return alignColumns([head, ...items.map((item) => columns.map(({ text }) => text(item)))]);
}

function amount(value: number, unit: string): string {
  if (unit === "ns") return duration(value);
  if (unit === "ratio") return `${Number((value * 100).toFixed(1))} %`;
  if (unit === "bytes") return `${(value / 1024 ** 2).toFixed(0)} MiB`;
  return String(value);
}
