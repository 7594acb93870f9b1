/** What was out of its limits: open and past. */
import { count } from "../../unit.ts";
import { fixedRange } from "../address.ts";
import { AlertHistory, rowsMax } from "../alert-history.ts";
import { alertKey, alertName, alertState, amount, worstText } from "../alert-text.ts";
import { type AlertNews, getJson, type Page } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, notKnown, panel, setAttribute, setHidden, setText } from "../dom.ts";
import { type Column, grid, linkCell } from "../grid.ts";
import { moment, span } from "../instant.ts";
import { Poll, troubleWords } from "../poll.ts";

const pageRows = 100;

export function alertsView(context: Context): Part {
  const { live } = context;
  const { root: panelRoot, head, body } = panel("Alerts", "alerts-table");
  const aside = element("span", { class: "aside" });
  head.append(aside);
  const none = element("p", { class: "empty" }, "There was no alert yet.");
  const older = element("button", { type: "button", class: "older" }, "Older");
  const history = new AlertHistory();
  let trouble = "";
  const list = grid<AlertNews>({ columns: columnsFor(context), keyOf: alertKey });
  body.append(list.root, none, older);
  const root = element("div", { class: "view alerts" }, panelRoot);

  const poll = new Poll<Page<AlertNews>>({
    path: () => `/api/v1/alerts?limit=${pageRows}`,
    everyMs: 2000,
    onData: (page) => history.takeNewest(page),
    onTrouble: (words) => {
      trouble = words;
      draw();
    },
  });
  older.addEventListener("click", () => void loadOlder());

  async function loadOlder(): Promise<void> {
    const { next } = history;
    if (next === null) return;
    older.disabled = true;
    try {
      const path = `/api/v1/alerts?limit=${pageRows}&cursor=${encodeURIComponent(next)}`;
      history.takeOlder(await getJson<Page<AlertNews>>(path));
    } catch (error) {
      trouble = troubleWords(error);
    }
    older.disabled = false;
    draw();
  }

  function draw(): void {
    const open = live.status?.alerts ?? [];
    const known = new Set(open.map(alertKey));
    // The status is newer than the history, and knows all that is open: nothing else is.
    const rest = history.alerts().flatMap((alert) => {
      if (known.has(alertKey(alert))) return [];
      const ended = alert.resolvedMs === null && live.status !== undefined;
      return [ended ? { ...alert, resolvedMs: alert.lastMs } : alert];
    });
    const rows = [...open.toSorted((a, b) => b.openedMs - a.openedMs), ...rest];
    list.update(rows);
    setHidden(none, rows.length > 0);
    setText(none, history.known ? "There was no alert yet." : notKnown);
    setHidden(older, history.next === null || rows.length >= rowsMax);
    const counted = `${count(open.length)} open, ${count(rest.length)} past shown`;
    setText(aside, trouble === "" ? counted : `not loaded: ${trouble}`);
  }

  return {
    root,
    update() {
      poll.tick();
      draw();
    },
    arrive: () => poll.start(),
    leave: () => poll.stop(),
  };
}

function columnsFor(context: Context): Column<AlertNews>[] {
  const { live } = context;
  return [
    {
      title: "severity",
      make: () => {
        const mark = element("span", { class: "state" });
        return {
          nodes: [mark],
          update: ({ severity, resolvedMs }) => {
            setText(mark, severity);
            setAttribute(mark, "data-state", resolvedMs === null ? alertState(severity) : "past");
          },
        };
      },
    },
    { title: "alert", make: linkCell(alertName, (alert) => chartHref(context, alert)) },
    {
      title: "",
      text: ({ resolvedMs }) => (resolvedMs === null ? "open" : "resolved"),
    },
    { title: "opened", number: true, text: ({ openedMs }) => moment(openedMs, live.nowMs()) },
    {
      title: "lasted",
      number: true,
      text: ({ openedMs, resolvedMs }) => span((resolvedMs ?? live.nowMs()) - openedMs),
    },
    { title: "count", number: true, text: (alert) => count(alert.count) },
    { title: "worst", number: true, text: (alert) => worstText(alert).split(" (")[0]! },
    {
      title: "limit",
      number: true,
      text: ({ limit, unit }) => (unit === "" ? "-" : amount(limit, unit)),
    },
    { title: "what it means", wide: true, text: ({ summary }) => summary },
  ];
}

/** The chart around the alert, of its stage where it has one. */
function chartHref(context: Context, { openedMs, resolvedMs, unit, subject }: AlertNews): string {
  const endMs = resolvedMs ?? context.live.nowMs();
  const room = Math.max(60_000, (endMs - openedMs) / 2);
  const range = fixedRange((openedMs - room) / 1000, (endMs + room) / 1000);
  const stage = unit === "ns" && /^[a-z]/.test(subject) ? { stage: subject } : {};
  return context.hrefOf({ view: "overview", range, ...stage });
}
