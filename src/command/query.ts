/** `hftedge query`: the stored history as a table, JSON or CSV. */
import { Command, Option } from "commander";
import { alertFields } from "../http/alert.ts";
import { csvOf, type Row } from "../http/format.ts";
import { signalFields } from "../http/signal.ts";
import { readTokenFile } from "../thread/ops-token.ts";
import { serviceUrl, whole } from "./argument.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { print, printJson, printLine } from "./output.ts";
import { type Answers, answersFromFile, answersFromService, parseAnswer } from "./query-source.ts";
import {
  alertColumns,
  type Item,
  seriesColumns,
  signalColumns,
  summaryColumns,
  tableOf,
} from "./query-table.ts";

interface Common {
  from?: string;
  to?: string;
  json?: true;
  csv?: true;
  url?: string;
  tokenFile?: string;
}

interface LatencyOptions extends Common {
  stage?: string;
  step?: string;
  percentiles?: string;
}

interface ListOptions extends Common {
  limit: number;
  [filter: string]: unknown;
}

interface Page {
  items: Item[];
  next: string | null;
}

/** Rows of one page of the API. */
const pageRows = 1000;
const limitMax = 1_000_000;

export function queryCommand(): Command {
  const command = new Command("query").description(
    "Asks the stored history. By itself it reads the file of the history, also while the service\n" +
      "runs; with --url it asks a service over HTTP.",
  );
  return command
    .addCommand(latencyCommand())
    .addCommand(
      listCommand(
        "alerts",
        "What was out of its limits, newest first.",
        alertColumns,
        alertFields,
        alertFilters,
      ),
    )
    .addCommand(
      listCommand(
        "signals",
        "Stored signals, newest first.",
        signalColumns,
        signalFields,
        signalFilters,
      ),
    );
}

const alertFilters = (command: Command): Command =>
  command
    .option("--open", "only those that are open now")
    .option("--rule <name>", "only of this rule")
    .addOption(
      new Option("--severity <name>", "only of this severity").choices([
        "info",
        "warning",
        "critical",
      ]),
    );

const signalFilters = (command: Command): Command =>
  command
    .option("--symbol <symbol>", "only of this symbol")
    .addOption(new Option("--signal <name>", "only these").choices(["BUY", "SELL", "HOLD"]))
    .option(
      "--source <name>",
      "only from this source: l1, l2, model, rules, pending, stale and so on",
    );

function common(command: Command): Command {
  command
    .option("--from <time>", "ISO 8601, epoch, or relative to now: -15m, -7d")
    .option("--to <time>", "end of the range")
    .option(
      "--url <url>",
      "ask this service, e.g. http://127.0.0.1:8080, rather than the file",
      serviceUrl,
    )
    .option("--token-file <file>", "file with the service's token; else HFTEDGE_HTTP_TOKEN")
    .option("--json", "print JSON")
    .option("--csv", "print CSV");
  return addConfigOptions(command, ["data"]);
}

function latencyCommand(): Command {
  const command = new Command("latency")
    .description(
      "Statistics of each component over a range; with --step, of each step of it. Default: the last hour.",
    )
    .option("--stage <names>", "stages or components, comma-separated; all for every one")
    .option("--step <duration>", "10s, 1m, 1h: a row for each step")
    .option("--percentiles <list>", "for steps: 50,99,99.9")
    .action(async (options: LatencyOptions) => {
      using answers = answersOf(command, options);
      const { from, to, stage, step, percentiles } = options;
      const series = step !== undefined || percentiles !== undefined;
      const path = series ? "/api/v1/latency" : "/api/v1/latency/summary";
      const asked = series ? { from, to, stage, step, percentiles } : { from, to, stage };
      if (options.csv === true) {
        print(await answers.get(pathOf(path, { ...asked, format: "csv" })));
        return;
      }
      const body = parseAnswer<Record<string, unknown>>(await answers.get(pathOf(path, asked)));
      if (options.json === true) printJson(body);
      else {
        const items = (body["rows"] ?? body["summaries"]) as Item[];
        printLine(tableOf(series ? seriesColumns(items[0]) : summaryColumns, items));
      }
    });
  return common(command);
}

function listCommand(
  name: "alerts" | "signals",
  description: string,
  columns: Parameters<typeof tableOf>[0],
  fields: readonly string[],
  filters: (command: Command) => Command,
): Command {
  const command = new Command(name)
    .description(description)
    .option("--limit <n>", "most rows", whole(1, limitMax), 100);
  filters(command).action(async (options: ListOptions) => {
    using answers = answersOf(command, options);
    const { from, to, open, rule, severity, symbol, signal, source } = options;
    const filter = { from, to, open, rule, severity, symbol, signal, source };
    const items: Item[] = [];
    let cursor: string | null = null;
    do {
      const limit = Math.min(pageRows, options.limit - items.length);
      const path: string = pathOf(`/api/v1/${name}`, { ...filter, limit, cursor });
      const page = parseAnswer<Page>(await answers.get(path));
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== null && items.length < options.limit);
    if (options.json === true) printJson(items);
    else if (options.csv === true) print(csvOf(fields, items as Row[]));
    else printLine(tableOf(columns, items));
  });
  return common(command);
}

function answersOf(command: Command, { url, tokenFile }: Common): Answers {
  if (url === undefined) {
    const { dataDirectory, config } = loadFromCommand(command);
    return answersFromFile(dataDirectory, config.http.pointsMax);
  }
  const token =
    tokenFile === undefined ? (process.env["HFTEDGE_HTTP_TOKEN"] ?? "") : readTokenFile(tokenFile);
  return answersFromService(url, token);
}

function pathOf(path: string, parameters: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
