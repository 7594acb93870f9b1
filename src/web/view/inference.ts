/** The decision table and the engine behind it. */
import { count, counted, duration, percent } from "../../unit.ts";
import { numberOf } from "../api.ts";
import type { Part } from "../context.ts";
import { element, panel, setHidden, setText } from "../dom.ts";
import { type Fact, factList } from "../facts.ts";
import { grid } from "../grid.ts";
import { span } from "../instant.ts";
import { Poll } from "../poll.ts";
import { wordsOf } from "./feed.ts";

interface HostNews {
  url: string;
  status: string;
  serverVersion: string;
  digest: string;
  contextLength: number;
  vramRatio: number | null;
  breaker: string;
  inFlight: number;
  meanMs: number | null;
  lastError: string;
}

interface WarmNews {
  done: number;
  failed: number;
  total: number;
  ratePerS: number | null;
  leftS: number | null;
  finished: boolean;
}

interface InferenceReply {
  state: string;
  engine: string;
  version: string;
  model: string | null;
  mode: string | null;
  hosts: readonly HostNews[];
  queued: number;
  queueMax: number;
  inFlight: number;
  warm: WarmNews | null;
  shadow: { model: string; version: string; warm: WarmNews } | null;
  totals: Readonly<Record<string, number>>;
  errors: Readonly<Record<string, number>>;
  stages: readonly { name: string; count: number; p50Ns: number | null; p99Ns: number | null }[];
}

interface CacheReply {
  l1: {
    hits: number;
    misses: number;
    share: number | null;
    form: string;
    entries: number;
    capacity: number;
    evictions: number;
    writes: number;
    generations: number;
  };
  l2: { hits: number; misses: number; share: number | null; errors: number; promotions: number };
  pending: {
    states: number;
    capacity: number;
    added: number;
    coalesced: number;
    full: number;
    dropped: number;
  };
  refreshes: number;
  expired: number;
  preset: string;
  features: readonly string[];
  states: number;
}

interface Named {
  name: string;
  value: number;
}

export function inferenceView(): Part {
  const engine = panel("Engine");
  const engineFacts = factList();
  engine.body.append(engineFacts.root);
  const table = panel("Decision table");
  const tableFacts = factList();
  table.body.append(tableFacts.root);
  const hosts = panel("Model servers", "full");
  const noHost = element("p", { class: "empty" }, "No model server is asked: the rules decide.");
  const hostGrid = createHostGrid();
  // Nothing is claimed before the first answer.
  noHost.hidden = true;
  hostGrid.root.hidden = true;
  hosts.body.append(hostGrid.root, noHost);
  const stages = panel("Where a question's time goes");
  const stageGrid = grid<InferenceReply["stages"][number]>({
    keyOf: ({ name }) => name,
    columns: [
      { title: "stage", wide: true, text: ({ name }) => name },
      { title: "count", number: true, text: (stage) => count(stage.count) },
      { title: "p50", number: true, text: ({ p50Ns }) => duration(numberOf(p50Ns)) },
      { title: "p99", number: true, text: ({ p99Ns }) => duration(numberOf(p99Ns)) },
    ],
  });
  stages.body.append(stageGrid.root);
  const counters = panel("Counted in this run");
  const counterGrid = grid<Named>({
    keyOf: ({ name }) => name,
    columns: [
      { title: "counter", wide: true, text: ({ name }) => wordsOf(name) },
      { title: "total", number: true, text: ({ value }) => count(value) },
    ],
  });
  counters.body.append(counterGrid.root);
  const parts = [engine, table, hosts, stages, counters];
  const root = element("div", { class: "view columns" }, ...parts.map((part) => part.root));
  const aside = element("span", { class: "aside" });
  engine.head.append(aside);

  const inference = new Poll<InferenceReply>({
    path: () => "/api/v1/inference",
    everyMs: 1000,
    onData: (reply) => {
      engineFacts.update(engineFactsOf(reply));
      hostGrid.update(reply.hosts);
      setHidden(hostGrid.root, reply.hosts.length === 0);
      setHidden(noHost, reply.hosts.length > 0);
      stageGrid.update(reply.stages);
      const failed = named(reply.errors).map(({ name, value }) => {
        return { name: `failed: ${name}`, value };
      });
      counterGrid.update([...failed, ...named(reply.totals)]);
    },
    onTrouble: (words) => setText(aside, words === "" ? "" : `not loaded: ${words}`),
  });
  const cache = new Poll<CacheReply>({
    path: () => "/api/v1/cache",
    everyMs: 1000,
    onData: (reply) => tableFacts.update(tableFactsOf(reply)),
    onTrouble: () => {},
  });

  return {
    root,
    update() {
      inference.tick();
      cache.tick();
    },
    arrive() {
      inference.start();
      cache.start();
    },
    leave() {
      inference.stop();
      cache.stop();
    },
  };
}

function named(values: Readonly<Record<string, number>>): Named[] {
  return Object.entries(values)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => ({ name, value }));
}

function engineFactsOf(reply: InferenceReply): Fact[] {
  const { state, engine, model, mode, version, queued, queueMax, inFlight, warm, shadow } = reply;
  const down =
    engine === "ollama" && !reply.hosts.some(({ status }) => /ready|up|ok/i.test(status));
  const facts: Fact[] = [
    { name: "State", words: state, state: down ? "critical" : "good" },
    {
      name: "Engine",
      words: engine === "rules" ? "rules, no model" : `${engine}, ${model ?? "no model yet"}`,
    },
  ];
  if (mode !== null) facts.push({ name: "Answers", words: `read from ${mode}` });
  facts.push(
    { name: "Version", words: version === "" ? "none" : version },
    {
      name: "Queue",
      words: `${count(queued)} of ${count(queueMax)} waiting, ${count(inFlight)} asked now`,
      state: queueMax > 0 && queued >= queueMax ? "warning" : undefined,
    },
  );
  if (warm !== null) facts.push({ name: "Warming", words: warmWords(warm) });
  if (shadow !== null) {
    facts.push({ name: "Shadow", words: `${shadow.model}: ${warmWords(shadow.warm)}` });
  }
  return facts;
}

function warmWords({ done, failed, total, ratePerS, leftS, finished }: WarmNews): string {
  const rest = failed > 0 ? `, ${count(failed)} failed` : "";
  const share = `${count(done)} of ${count(total)} states${rest}`;
  if (finished) return `finished: ${share}`;
  const pace = ratePerS === null ? "" : `, ${ratePerS.toFixed(1)} a second`;
  return `${share}${pace}${leftS === null ? "" : `, ${span(leftS * 1000)} left`}`;
}

function tableFactsOf({
  l1,
  l2,
  pending,
  preset,
  features,
  states,
  refreshes,
  expired,
}: CacheReply): Fact[] {
  const space = states > 0 ? `${count(states)} states` : "not finite";
  return [
    { name: "States", words: `${preset}: ${space} of ${features.join(", ")}` },
    {
      name: "L1, memory",
      words: `${count(l1.entries)} of ${count(l1.capacity)} (${l1.form}), ${foundWords(l1)}`,
    },
    {
      name: "L2, disk",
      words: `${foundWords(l2)}, ${count(l2.promotions)} promoted, ${counted(l2.errors, "error")}`,
    },
    {
      name: "Waiting",
      words: `${count(pending.states)} of ${count(pending.capacity)} unknown states; ${count(pending.added)} added, ${count(pending.coalesced)} coalesced, ${count(pending.dropped)} dropped`,
      state: pending.full > 0 ? "warning" : undefined,
    },
    {
      name: "Turnover",
      words: `${count(l1.writes)} written, ${count(l1.evictions)} evicted, ${count(refreshes)} renewed, ${count(expired)} expired, ${counted(l1.generations, "generation")}`,
    },
  ];
}

function createHostGrid() {
  return grid<HostNews>({
    keyOf: ({ url }) => url,
    columns: [
      { title: "server", text: ({ url }) => url },
      { title: "status", text: ({ status }) => status },
      { title: "breaker", text: ({ breaker }) => breaker },
      { title: "version", text: ({ serverVersion }) => serverVersion },
      { title: "digest", text: ({ digest }) => digest.replace(/^sha256:/, "").slice(0, 12) },
      { title: "context", number: true, text: ({ contextLength }) => count(contextLength) },
      { title: "in GPU", number: true, text: ({ vramRatio }) => percent(numberOf(vramRatio)) },
      { title: "asked", number: true, text: ({ inFlight }) => count(inFlight) },
      { title: "mean", number: true, text: ({ meanMs }) => duration(numberOf(meanMs) * 1e6) },
      { title: "last error", wide: true, text: ({ lastError }) => lastError },
    ],
  });
}

function foundWords({
  hits,
  misses,
  share,
}: Pick<CacheReply["l2"], "hits" | "misses" | "share">): string {
  return share === null
    ? "no look-up yet"
    : `${percent(share)} of ${count(hits + misses)} look-ups found`;
}
