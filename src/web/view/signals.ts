/** Every symbol's standing decision, live, with a filter; a symbol's page beside it. */
import { count, decimal } from "../../unit.ts";
import { numberOf, type Page, readToken, type SignalNews, type SymbolNews } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, notKnown, panel, setHidden, setText } from "../dom.ts";
import { followStream } from "../event-stream.ts";
import { type Column, grid, linkCell } from "../grid.ts";
import { Poll } from "../poll.ts";
import {
  ageText,
  confidenceText,
  decisionMark,
  latencyText,
  setDecision,
  sourceText,
} from "../signal-text.ts";
import { symbolPanel } from "../panel/symbol.ts";

/** Symbols asked for at once; with more of them the filter asks the server. */
const symbolsMax = 1000;
/** Latencies remembered, one a symbol. */
const latenciesMax = 4096;
const silenceMs = 12_000;
const redrawMs = 250;

export function signalsView(context: Context): Part {
  const { live } = context;
  const { root: listRoot, head, body } = panel("Signals by symbol", "signals-table");
  const filter = element("input", {
    id: "filter",
    type: "search",
    placeholder: "filter: symbol, BUY, stale, l1 …",
    "aria-label": "Filter",
    autocomplete: "off",
  });
  filter.addEventListener("input", () => context.go({ filter: filter.value }, true));
  const aside = element("span", { class: "aside" });
  head.append(filter, aside);
  const none = element("p", { class: "empty" });
  const latencies = new Latencies();
  /** Undefined before the first answer. */
  let symbols: readonly SymbolNews[] | undefined;
  let more = false;
  let trouble = "";
  let takenMs = 0;
  const list = grid<SymbolNews>({
    columns: columnsFor(context, latencies, () => performance.now() - takenMs),
    keyOf: keyOfSymbol,
    onRow: ({ symbol, feed }) => context.go({ symbol, feed }),
  });
  body.append(list.root, none);
  const detail = symbolPanel(context);
  const root = element("div", { class: "view signals" }, listRoot, detail.root);

  const poll = new Poll<Page<SymbolNews>>({
    path: () => {
      const [word = ""] = context.place.filter.trim().split(/\s+/);
      const prefix = more ? word.toUpperCase() : "";
      return `/api/v1/symbols?limit=${symbolsMax}${prefix === "" ? "" : `&prefix=${encodeURIComponent(prefix)}`}`;
    },
    everyMs: 1000,
    onData: ({ items, next }) => {
      symbols = items;
      more ||= next !== null;
      takenMs = performance.now();
      draw();
    },
    onTrouble: (words) => {
      if (words === trouble) return;
      trouble = words;
      draw();
    },
  });

  let stream: AbortController | undefined;
  let changed = false;
  const timer = { id: 0 };

  function follow(): void {
    stream = new AbortController();
    void followStream({
      url: "/api/v1/signals/stream",
      token: readToken(),
      silenceMs,
      signal: stream.signal,
      onEvent: ({ event, data }) => {
        if (event === "signal") take(JSON.parse(data) as SignalNews);
      },
      onState: () => {},
    });
    timer.id = window.setInterval(() => {
      if (changed) draw();
      changed = false;
    }, redrawMs);
  }

  function take(signal: SignalNews): void {
    latencies.take(signal);
    const index = symbols?.findIndex((s) => s.symbol === signal.symbol && s.feed === signal.feed);
    if (symbols === undefined || index === undefined || index < 0) return;
    const { signal: decision, confidence, source, reason } = signal;
    // Between two answers of the list, the stream has the newer decision.
    const age = performance.now() - takenMs;
    symbols = symbols.with(index, {
      ...symbols[index]!,
      signal: decision,
      confidence,
      source,
      reason,
      signalAgeMs: -age,
    });
    changed = true;
  }

  function draw(): void {
    const words = context.place.filter.trim().toLowerCase();
    const known = symbols ?? [];
    const shown = known.filter((symbol) => matches(symbol, words));
    list.update(shown);
    list.root.classList.toggle(
      "one-feed",
      known.every(({ feed }) => feed === known[0]?.feed),
    );
    const all = symbols === undefined ? "" : `${count(shown.length)} of ${count(known.length)}`;
    const rest = more ? "; there are more: filter by the beginning of a symbol" : "";
    setText(aside, trouble === "" ? `${all}${rest}` : `not loaded: ${trouble}`);
    setHidden(none, shown.length > 0);
    const seen = known.length > 0 || more ? "No symbol matches." : "No symbol was seen yet.";
    setText(none, symbols === undefined ? notKnown : seen);
  }

  return {
    root,
    update() {
      for (const signal of live.status?.signals.newest ?? []) latencies.take(signal);
      poll.tick();
      detail.update();
    },
    arrive() {
      const { place } = context;
      if (filter.value !== place.filter) filter.value = place.filter;
      root.classList.toggle("with-symbol", place.symbol !== "");
      poll.start();
      if (stream === undefined) follow();
      detail.arrive?.();
      draw();
    },
    leave() {
      poll.stop();
      stream?.abort();
      stream = undefined;
      clearInterval(timer.id);
      detail.leave?.();
    },
  };
}

/** The latency of the newest signal of each symbol, wherever it was heard of first. */
class Latencies {
  readonly #newest = new Map<string, SignalNews>();

  take(signal: SignalNews): void {
    const key = keyOfSymbol(signal);
    const before = this.#newest.get(key);
    // Epoch ns of as many digits are in the order of their text, and a double cannot hold them.
    if (before !== undefined && before.emitTime > signal.emitTime) return;
    if (before === undefined && this.#newest.size >= latenciesMax) this.#newest.clear();
    this.#newest.set(key, signal);
  }

  of(symbol: SymbolNews): number {
    return this.#newest.get(keyOfSymbol(symbol))?.latencyNs ?? Number.NaN;
  }
}

function keyOfSymbol({ feed, symbol }: Pick<SymbolNews, "feed" | "symbol">): string {
  return `${feed}\n${symbol}`;
}

/** Each word of the filter must be in the symbol, its feed, decision, source or state. */
export function matches(symbol: SymbolNews, filter: string): boolean {
  if (filter === "") return true;
  const { symbol: name, feed, signal, source, reason, state, held } = symbol;
  const text = `${name} ${feed} ${signal} ${source} ${reason} ${state ?? "no state"} ${held ? "held" : ""}`;
  const lower = text.toLowerCase();
  return filter.split(/\s+/).every((word) => lower.includes(word));
}

function columnsFor(
  context: Context,
  latencies: Latencies,
  sinceMs: () => number,
): Column<SymbolNews>[] {
  const hrefOf = ({ symbol, feed }: SymbolNews): string =>
    context.hrefOf({ view: "signals", symbol, feed });
  return [
    { title: "symbol", make: linkCell(({ symbol }) => symbol, hrefOf) },
    { title: "feed", className: "feed-name", text: ({ feed }) => feed },
    {
      title: "signal",
      make: () => {
        const mark = decisionMark();
        return { nodes: [mark], update: ({ signal }) => setDecision(mark, signal) };
      },
    },
    { title: "confidence", number: true, text: ({ confidence }) => confidenceText(confidence) },
    {
      title: "source",
      text: (symbol) => `${sourceText(symbol)}${symbol.held ? ", held" : ""}`,
    },
    { title: "age", number: true, text: ({ signalAgeMs }) => agoText(signalAgeMs, sinceMs()) },
    {
      title: "latency",
      number: true,
      help: "kernel receive to signal, of the newest signal",
      text: (symbol) => latencyText({ latencyNs: latencies.of(symbol) }),
    },
    { title: "bid", number: true, text: ({ bid }) => priceText(bid) },
    { title: "ask", number: true, text: ({ ask }) => priceText(ask) },
    { title: "last", number: true, text: ({ last }) => priceText(last) },
    { title: "book", number: true, text: ({ updateAgeMs }) => agoText(updateAgeMs, sinceMs()) },
    { title: "state", clip: true, text: ({ state }) => shortState(state ?? "none") },
  ];
}

/** Without what the symbol's page explains: "size imbalance (-1 all asks, 1 all bids): even". */
export function shortState(state: string): string {
  return state.replaceAll(/ \([^)]*\)/g, "");
}

function priceText(value: number | null): string {
  return decimal(numberOf(value));
}

function agoText(ageMs: number | null, sinceMs: number): string {
  return ageMs === null ? "-" : ageText(0, ageMs + sinceMs);
}
