/** The newest signals, one a symbol. */
import { decimal } from "../../unit.ts";
import type { SignalNews } from "../api.ts";
import type { Context, Part } from "../context.ts";
import {
  element,
  notKnown,
  panel,
  type Row,
  Rows,
  setAttribute,
  setHidden,
  setText,
} from "../dom.ts";
import {
  confidenceText,
  decisionMark,
  latencyText,
  setDecision,
  sourceText,
} from "../signal-text.ts";

export function newestSignals(context: Context): Part {
  const { live } = context;
  const { root, head, body } = panel("Newest signals");
  const all = element("a", { class: "aside" }, "all symbols");
  head.append(all);
  const none = element("p", { class: "empty" });
  const table = element("tbody");
  const titles = ["symbol", "signal", "conf.", "source", "latency", "price"].map((title, index) =>
    element("th", [2, 4, 5].includes(index) ? { class: "number" } : {}, title),
  );
  const whole = element("table", {}, element("thead", {}, element("tr", {}, ...titles)), table);
  body.append(none, whole);
  const rows = new Rows<SignalNews>(
    table,
    ({ feed, symbol }) => `${feed}\n${symbol}`,
    ({ symbol }) => signalRow(context, symbol),
  );

  function update(): void {
    const newest = live.status?.signals.newest ?? [];
    // By symbol, so that rows do not dance.
    rows.update(newest.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1)));
    setText(none, live.status === undefined ? notKnown : "No signal yet in this run.");
    setHidden(none, newest.length > 0);
    setHidden(whole, newest.length === 0);
  }

  return {
    root,
    update,
    arrive() {
      all.href = context.hrefOf({ view: "signals" });
    },
  };
}

function signalRow(context: Context, symbol: string): Row<SignalNews> {
  const mark = decisionMark();
  const confidence = element("td", { class: "number" });
  const source = element("td", { class: "clip" });
  const latency = element("td", { class: "number" });
  const price = element("td", { class: "number" });
  const link = element("a", { title: symbol }, symbol);
  const name = element("td", {}, link);
  const root = element("tr", {}, name, element("td", {}, mark), confidence, source, latency, price);
  return {
    root,
    update(signal) {
      setAttribute(link, "href", context.hrefOf({ view: "signals", symbol, feed: signal.feed }));
      setDecision(mark, signal.signal);
      setText(confidence, confidenceText(signal.confidence));
      setText(source, sourceText(signal));
      setAttribute(source, "title", sourceText(signal));
      setText(latency, latencyText(signal));
      setText(price, signal.price === 0 ? "-" : decimal(signal.price));
    },
  };
}
