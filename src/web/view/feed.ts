/** Each feed: its lines, how it is, and every counter of its decoder. */
import { byteCount, count, counted } from "../../unit.ts";
import type { Context, Part } from "../context.ts";
import { element, panel, Rows, setText } from "../dom.ts";
import { factList } from "../facts.ts";
import { type Column, grid } from "../grid.ts";
import { span } from "../instant.ts";
import { Poll } from "../poll.ts";

interface FeedNews {
  name: string;
  format: string;
  lines: readonly string[];
  interfaces: readonly { name: string; state: string; totals: Readonly<Record<string, number>> }[];
  warnings: readonly string[];
  state: string;
  lastDatagramMs: number | null;
  silenceMs: number;
  perS: Readonly<Record<string, number>>;
  totals: Readonly<Record<string, number>>;
}

interface FeedReply {
  feeds: readonly FeedNews[];
  receiveBufferBytes: number;
  drops: number;
  kernelStamps: { samples: number; errors: number };
  totals: Readonly<Record<string, number>>;
  help: Readonly<Record<string, string>>;
}

interface Counter {
  name: string;
  perS: number;
  total: number;
  help: string;
}

export function feedView(context: Context): Part {
  const { root: socketRoot, head, body: socketBody } = panel("Sockets and books", "full");
  const aside = element("span", { class: "aside" });
  head.append(aside);
  const facts = factList();
  socketBody.append(facts.root);
  const root = element("div", { class: "view columns" }, socketRoot);
  const list = element("div", { class: "feeds" });
  root.append(list);
  let help: FeedReply["help"] = {};
  const feeds = new Rows<FeedNews>(
    list,
    ({ name }) => name,
    ({ name }) => feedPanel(context, name, () => help),
  );
  const other = grid<Counter>({ keyOf: ({ name }) => name, columns: [nameColumn, totalColumn] });
  const { root: otherRoot, body: otherBody } = panel("Counted by the feed thread");
  otherBody.append(other.root);
  root.append(otherRoot);

  const poll = new Poll<FeedReply>({
    path: () => "/api/v1/feed",
    everyMs: 1000,
    onData: (reply) => {
      ({ help } = reply);
      feeds.update(reply.feeds);
      other.update(countersOf({}, reply.totals, {}));
      const { drops, receiveBufferBytes, kernelStamps } = reply;
      const { feed } = context.live.status ?? {};
      facts.update([
        {
          name: "Kernel drops",
          words: drops === 0 ? "none" : `${count(drops)} datagrams: the receive queue was full`,
          state: drops === 0 ? "good" : "warning",
        },
        {
          name: "Receive buffer",
          words: `${byteCount(receiveBufferBytes)}, the smallest of the sockets`,
        },
        {
          name: "Kernel times",
          words: `${count(kernelStamps.samples)} read, ${counted(kernelStamps.errors, "error")}`,
          state: kernelStamps.errors > 0 ? "warning" : undefined,
        },
        {
          name: "Instruments",
          words: `${count(feed?.instruments ?? Number.NaN)}, ${count(feed?.staleInstruments ?? Number.NaN)} stale, ${count(feed?.heldInstruments ?? Number.NaN)} held`,
        },
      ]);
    },
    onTrouble: (words) => setText(aside, words === "" ? "" : `not loaded: ${words}`),
  });

  return {
    root,
    update: () => poll.tick(),
    arrive: () => poll.start(),
    leave: () => poll.stop(),
  };
}

function feedPanel(context: Context, name: string, help: () => FeedReply["help"]) {
  const { root, head, body } = panel(name);
  const aside = element("span", { class: "aside" });
  head.append(aside);
  const facts = factList();
  const counters = counterGrid();
  body.append(facts.root, counters.root);
  return {
    root,
    update(feed: FeedNews): void {
      const nowMs = context.live.nowMs();
      const { lines, interfaces, warnings, state, lastDatagramMs, silenceMs, perS, totals } = feed;
      setText(aside, feed.format);
      const silent = lastDatagramMs === null ? Number.NaN : nowMs - lastDatagramMs;
      facts.update([
        { name: "State", words: state, state: /stale|waiting/.test(state) ? "warning" : "good" },
        ...warnings.map((words) => ({ name: "Warning", words, state: "critical" as const })),
        { name: lines.length === 1 ? "Line" : "Lines", words: lines.join(", ") },
        ...interfaces.map(({ name: card, state: words, totals: drops }) => ({
          name: `Interface ${card}`.trimEnd(),
          words,
          state: Object.values(drops).some((n) => n > 0) ? ("warning" as const) : undefined,
        })),
        {
          name: "Last datagram",
          words:
            lastDatagramMs === null
              ? "none yet"
              : silent < 2000
                ? "just now"
                : `${span(silent)} ago`,
          state: silent > silenceMs ? "critical" : undefined,
        },
        {
          name: "Stale after",
          words: span(silenceMs) === "0 s" ? `${silenceMs} ms` : span(silenceMs),
        },
      ]);
      counters.update(countersOf(perS, totals, help()));
    },
  };
}

const nameColumn: Column<Counter> = { title: "counter", text: ({ name }) => wordsOf(name) };
const totalColumn: Column<Counter> = {
  title: "total",
  number: true,
  text: ({ total }) => count(total),
};

function counterGrid() {
  return grid<Counter>({
    keyOf: ({ name }) => name,
    columns: [
      nameColumn,
      { title: "per s", number: true, text: ({ perS }) => count(perS) },
      totalColumn,
      { title: "what it counts", wide: true, text: ({ help }) => help },
    ],
  });
}

/** "lostMessages" → "lost messages" */
export function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What was counted; what never happened is left out, but for what matters by being zero. */
function countersOf(
  perS: Readonly<Record<string, number>>,
  totals: Readonly<Record<string, number>>,
  help: Readonly<Record<string, string>>,
): Counter[] {
  return Object.entries(totals)
    .filter(([name, total]) => total > 0 || name === "gaps" || name === "lostMessages")
    .map(([name, total]) => {
      return { name, total, perS: perS[name] ?? Number.NaN, help: help[name] ?? "" };
    });
}
