/** Instruments as the API shows them: from the feed thread's publication, never by asking it. */
import { decisionNames, reasonNames, sourceNames } from "../decision/signal.ts";
import type { SymbolBody, SymbolDetail } from "../http/symbol.ts";
import type { SymbolPage } from "../http/source.ts";
import { createPrompt, type Prompt } from "../inference/prompt.ts";
import { createStateText, type StateText } from "../inference/state-text.ts";
import type { Mode } from "../inference/verdict.ts";
import { featureNames, Feature } from "../market/feature.ts";
import { StateSpace } from "../market/state.ts";
import type { HistoryReader } from "../store/query.ts";
import type { Page } from "../store/record-query.ts";
import type { Control } from "./control.ts";
import { candidateFrom } from "./inference-plan.ts";
import type { RunPlan } from "./plan.ts";
import type { PublishedInstrument, Publication } from "./publication.ts";

export interface SymbolContext {
  plan: RunPlan;
  publication: Publication;
  control: Control;
  /** ns since the run's base. */
  nowNs(): number;
  history(): HistoryReader | undefined;
  /** Version that decides now, "" when unknown, and how the model is asked. */
  version(): string;
  mode(): Mode;
}

export class SymbolView {
  readonly #context: SymbolContext;
  readonly #space: StateSpace;
  readonly #text: StateText;
  readonly #prompts = new Map<Mode, Prompt>();
  /** By instrument: names never change, so each is read once. */
  readonly #names: string[] = [];

  constructor(context: SymbolContext) {
    this.#context = context;
    this.#space = new StateSpace(context.plan.state);
    this.#text = createStateText(this.#space, {
      symbolOf: (instrument) => this.#nameOf(instrument) || null,
      instrumentOf: () => -1,
    });
  }

  list({ prefix, feed, limit, after }: SymbolPage): Page<SymbolBody> {
    const { publication, plan } = this.#context;
    const rows: SymbolBody[] = [];
    const held = this.#heldSymbols();
    const { count } = publication;
    let instrument = after;
    for (; instrument < count && rows.length < limit; instrument++) {
      if (!this.#nameOf(instrument).startsWith(prefix)) continue;
      const read = publication.read(instrument);
      if (read === undefined || (feed !== undefined && plan.feeds[read.feed]!.name !== feed))
        continue;
      rows.push(this.#bodyOf(read, held));
    }
    return { rows, next: instrument < count ? instrument : null };
  }

  one(symbol: string, feed: string | undefined): SymbolDetail | undefined {
    const { publication, plan } = this.#context;
    for (let instrument = 0; instrument < publication.count; instrument++) {
      if (this.#nameOf(instrument) !== symbol) continue;
      const read = publication.read(instrument);
      if (read === undefined || (feed !== undefined && plan.feeds[read.feed]!.name !== feed))
        continue;
      return this.#detailOf(read);
    }
    return undefined;
  }

  #nameOf(instrument: number): string {
    const known = this.#names[instrument];
    if (known !== undefined && known !== "") return known;
    const name = this.#context.publication.read(instrument)?.symbol ?? "";
    this.#names[instrument] = name;
    return name;
  }

  #heldSymbols(): ReadonlySet<string> | "all" {
    const held = this.#context.control.readHeld();
    if (held === undefined) return new Set();
    return held.all ? "all" : new Set(held.symbols);
  }

  #keyOf(read: PublishedInstrument): Uint32Array {
    return read.key.slice(0, this.#space.keyWords);
  }

  #bodyOf(read: PublishedInstrument, held: ReadonlySet<string> | "all"): SymbolBody {
    const { plan, nowNs } = this.#context;
    const feed = plan.feeds[read.feed]!;
    const scale = 10 ** feed.priceDecimals;
    const price = (scaled: number): number | null => (scaled > 0 ? scaled / scale : null);
    const size = (scaled: number): number => scaled / feed.sizeScale;
    const age = (atNs: number): number | null =>
      atNs > 0 ? Math.max(0, Math.round((nowNs() - atNs) / 1e6)) : null;
    return {
      symbol: read.symbol,
      feed: feed.name,
      bid: price(read.bidPrice),
      bidSize: size(read.bidSize),
      ask: price(read.askPrice),
      askSize: size(read.askSize),
      last: price(read.lastPrice),
      lastSize: size(read.lastSize),
      trades: read.trades,
      signal: decisionNames[read.decision] ?? "NONE",
      confidence: read.confidence / 10_000,
      source: sourceNames[read.source] ?? "none",
      reason: reasonNames[read.reason] ?? "",
      state: read.state < 0 ? null : this.#space.labels(this.#keyOf(read)).join("; "),
      held: held === "all" || held.has(read.symbol),
      signalAgeMs: age(read.emitNs),
      updateAgeMs: age(read.updateNs),
    };
  }

  #detailOf(read: PublishedInstrument): SymbolDetail {
    const { plan } = this.#context;
    const space = this.#space;
    const hasState = read.state >= 0;
    const key = this.#keyOf(read);
    const first = space.symbolInKey ? 1 : 0;
    const feed = plan.feeds[read.feed]!;
    const exchangeMs = Number(feed.midnightNs / 1_000_000n) + Math.floor(read.marketNs / 1e6);
    return {
      ...this.#bodyOf(read, this.#heldSymbols()),
      stateId: hasState ? read.state : null,
      key: hasState ? [...key] : [],
      features: featureNames.map((name) => {
        const value = read.features[Feature[name]]!;
        const at = space.features.findIndex(({ feature }) => feature === name);
        const bucket = at < 0 || !hasState ? null : key[first + at]!;
        return {
          name,
          value: Number.isFinite(value) ? value : null,
          bucket,
          label: bucket === null ? null : space.label(at, bucket),
        };
      }),
      exchangeTime: read.marketNs > 0 ? new Date(exchangeMs).toISOString() : null,
      prompt: hasState ? this.#promptOf(key) : null,
      answer: hasState ? this.#answerTo(key) : null,
    };
  }

  #promptOf(key: Uint32Array): string | null {
    const { plan, mode } = this.#context;
    const { inference } = plan.config;
    if (inference.engine === "rules") return null;
    let prompt = this.#prompts.get(mode());
    if (prompt === undefined) {
      const symbolOf = (instrument: number): string | null => this.#nameOf(instrument) || null;
      const candidate = candidateFrom(inference, this.#space, symbolOf);
      prompt = createPrompt({ ...candidate.prompt, mode: mode() });
      this.#prompts.set(mode(), prompt);
    }
    return prompt.of(key);
  }

  #answerTo(key: Uint32Array): SymbolDetail["answer"] {
    const { history, version } = this.#context;
    const text = this.#text.of(key);
    if (text === null) return null;
    const row = history()?.record.decision(version(), text);
    if (row === undefined) return null;
    return {
      version: row.version,
      signal: row.decision,
      confidence: row.confidence,
      probabilities:
        row.probabilities === null
          ? null
          : (JSON.parse(row.probabilities) as Record<string, number>),
      decidedAtMs: row.decidedAtMs,
      uses: row.uses,
    };
  }
}
