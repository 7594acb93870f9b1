/** One symbol: its book, its state in words, what the model is asked, and what it answered. */
import { count, decimal, percent } from "../../unit.ts";
import { numberOf, type Page, type SignalNews, type SymbolNews } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, notKnown, panel, Rows, setAttribute, setHidden, setText } from "../dom.ts";
import { factList } from "../facts.ts";
import { grid } from "../grid.ts";
import { clock, moment } from "../instant.ts";
import { Poll } from "../poll.ts";
import {
  ageText,
  confidenceText,
  decisionMark,
  epochMs,
  latencyText,
  setDecision,
  sourceText,
} from "../signal-text.ts";

interface SymbolDetail extends SymbolNews {
  stateId: number | null;
  features: readonly {
    name: string;
    value: number | null;
    bucket: number | null;
    label: string | null;
  }[];
  exchangeTime: string | null;
  prompt: string | null;
  answer: {
    version: string;
    signal: string;
    confidence: number;
    probabilities: Readonly<Record<string, number>> | null;
    decidedAtMs: number;
    uses: number;
  } | null;
}

const pastMax = 12;

export function symbolPanel(context: Context): Part {
  const { root, head, body } = panel("Symbol", "symbol");
  const heading = head.querySelector("h2")!;
  const mark = decisionMark();
  const close = element("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => context.go({ symbol: "" }));
  const aside = element("span", { class: "aside" });
  head.append(mark, aside, close);
  const none = element("p", { class: "empty" });
  const book = createBook();
  const facts = factList();
  const features = grid<SymbolDetail["features"][number]>({
    keyOf: ({ name }) => name,
    columns: [
      { title: "feature", text: ({ name }) => name },
      { title: "value", number: true, text: ({ value }) => featureText(value) },
      { title: "in the prompt", wide: true, text: ({ label }) => label ?? "not part of the state" },
    ],
  });
  const answer = createAnswer();
  const prompt = element("pre", { class: "prompt mono", tabindex: "0", "aria-label": "Prompt" });
  const noPrompt = element("p", { class: "empty" });
  const past = grid<SignalNews>({
    keyOf: ({ seq }) => String(seq),
    columns: [
      { title: "time", text: ({ emitTime }) => clock(epochMs(emitTime)) },
      {
        title: "signal",
        make: () => {
          const own = decisionMark();
          return { nodes: [own], update: ({ signal }) => setDecision(own, signal) };
        },
      },
      { title: "conf.", number: true, text: ({ confidence }) => confidenceText(confidence) },
      { title: "source", wide: true, text: sourceText },
      { title: "latency", number: true, text: latencyText },
      { title: "price", number: true, text: ({ price }) => decimal(price) },
    ],
  });
  const detail = element(
    "div",
    {},
    book.root,
    facts.root,
    element("h3", {}, "State"),
    features.root,
    element("h3", {}, "The model's answer to this state"),
    answer.root,
    element("h3", {}, "Prompt"),
    prompt,
    noPrompt,
    element("h3", {}, "Latest changes"),
    past.root,
  );
  body.append(none, detail);

  const one = new Poll<SymbolDetail>({
    path: () => {
      const { symbol, feed } = context.place;
      if (symbol === "") return "";
      const where = feed === "" ? "" : `?feed=${encodeURIComponent(feed)}`;
      return `/api/v1/symbols/${encodeURIComponent(symbol)}${where}`;
    },
    everyMs: 1000,
    onData: show,
    onTrouble: (words) => {
      // What is known stays, with its trouble beside it; where nothing is, the trouble is all.
      if (detail.hidden) setText(none, words === "" ? notKnown : words);
      else setText(aside, words);
    },
  });
  const changes = new Poll<Page<SignalNews>>({
    path: () => {
      const { symbol } = context.place;
      return symbol === ""
        ? ""
        : `/api/v1/signals?symbol=${encodeURIComponent(symbol)}&limit=${pastMax}`;
    },
    everyMs: 2000,
    onData: ({ items }) => {
      const { feed } = context.place;
      past.update(feed === "" ? items : items.filter((signal) => signal.feed === feed));
    },
    onTrouble: () => {},
  });

  /** The symbol that is asked for, before anything is known of it: nothing of another one stays. */
  let asked = "";
  function ask({ symbol, feed }: Context["place"]): void {
    const wanted = `${feed}\n${symbol}`;
    if (wanted === asked) return;
    asked = wanted;
    setText(heading, symbol);
    setText(aside, "");
    setText(none, notKnown);
    setHidden(none, false);
    setHidden(mark, true);
    setHidden(detail, true);
    past.update([]);
  }

  function show(symbol: SymbolDetail): void {
    if (symbol.symbol !== context.place.symbol) return;
    setHidden(none, true);
    setHidden(mark, false);
    setHidden(detail, false);
    setText(heading, `${symbol.symbol} on ${symbol.feed}`);
    setDecision(mark, symbol.signal);
    book.show(symbol);
    facts.update([
      {
        name: "Decision",
        words: `${confidenceText(symbol.confidence)} from ${sourceText(symbol)}, ${agoWords(symbol.signalAgeMs)}`,
      },
      {
        name: "Book",
        words: `updated ${agoWords(symbol.updateAgeMs)}, ${count(symbol.trades)} trades`,
      },
      ...(symbol.state === null
        ? [{ name: "State", words: "none: the book cannot be used", state: "warning" }]
        : []),
      ...(symbol.held
        ? [{ name: "Held", words: "by the operator: HOLD is forced", state: "warning" }]
        : []),
    ]);
    features.update(symbol.features);
    answer.show(symbol.answer, context.live.nowMs());
    setHidden(prompt, symbol.prompt === null);
    setHidden(noPrompt, symbol.prompt !== null);
    setText(prompt, symbol.prompt ?? "");
    setText(
      noPrompt,
      symbol.state === null ? "No state, so nothing to ask." : "No model is asked.",
    );
  }

  return {
    root,
    update() {
      one.tick();
      changes.tick();
    },
    arrive() {
      setHidden(root, context.place.symbol === "");
      ask(context.place);
      one.start();
      changes.start();
    },
    leave() {
      one.stop();
      changes.stop();
    },
  };
}

function agoWords(ageMs: number | null): string {
  if (ageMs === null) return "never";
  const text = ageText(0, ageMs);
  return text === "now" ? "just now" : `${text} ago`;
}

function featureText(value: number | null): string {
  if (value === null) return "-";
  // A price is shown to its last digit; what is below 1 has as many digits that count.
  return String(Number(Math.abs(value) < 1 ? value.toPrecision(4) : value.toFixed(4)));
}

function bookCell(title: string): { root: HTMLElement; price: HTMLElement; size: HTMLElement } {
  const price = element("div", { class: "price" });
  const size = element("div", { class: "dim" });
  const root = element("div", {}, element("div", { class: "dim" }, title), price, size);
  return { price, size, root };
}

function createBook(): { root: HTMLElement; show(symbol: SymbolDetail): void } {
  const [bid, ask, last] = [bookCell("bid"), bookCell("ask"), bookCell("last")];
  return {
    root: element("div", { class: "book" }, bid.root, ask.root, last.root),
    show(symbol) {
      setText(bid.price, decimal(numberOf(symbol.bid)));
      setText(bid.size, count(symbol.bidSize));
      setText(ask.price, decimal(numberOf(symbol.ask)));
      setText(ask.size, count(symbol.askSize));
      setText(last.price, decimal(numberOf(symbol.last)));
      setText(last.size, count(symbol.lastSize));
    },
  };
}

function createAnswer(): {
  root: HTMLElement;
  show(answer: SymbolDetail["answer"], nowMs: number): void;
} {
  const words = element("p", { class: "empty" });
  const list = element("div");
  const rows = new Rows<readonly [string, number]>(
    list,
    ([name]) => name,
    ([name]) => {
      const mark = decisionMark();
      setDecision(mark, name);
      const meter = element("meter", { min: "0", max: "1", "aria-label": name });
      const value = element("span", { class: "number" });
      const root = element("div", { class: "probability" }, mark, meter, value);
      return {
        root,
        update([, probability]) {
          setAttribute(meter, "value", String(probability));
          setText(value, percent(probability));
        },
      };
    },
  );
  return {
    root: element("div", {}, list, words),
    show(answer, nowMs) {
      if (answer === null) {
        rows.update([]);
        setText(words, "There is no stored answer to this state.");
        return;
      }
      const { probabilities, signal, confidence, decidedAtMs, uses, version } = answer;
      const { outside = 0, ...decisions } = probabilities ?? { [signal]: confidence };
      rows.update(Object.entries(decisions));
      const kind = probabilities === null ? "without probabilities, " : "";
      // The shares are of the three words; what the model gave to others is beside them.
      const others = outside > 0 ? `${percent(outside)} on other words, ` : "";
      setText(
        words,
        `${kind}${others}decided ${moment(decidedAtMs, nowMs)} UTC, used ${count(uses)} times, version ${version.slice(0, 8)}`,
      );
    },
  };
}
