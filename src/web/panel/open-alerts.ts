/** What is wrong now, worst first. */
import { count } from "../../unit.ts";
import { alertName, alertState, worstText } from "../alert-text.ts";
import type { AlertNews } from "../api.ts";
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
  unbroken,
} from "../dom.ts";
import { span } from "../instant.ts";

const rank: Readonly<Record<string, number>> = { critical: 0, warning: 1, info: 2 };
const shownMax = 6;

function order(severity: string): number {
  return rank[severity] ?? 3;
}

export function openAlerts(context: Context): Part {
  const { live } = context;
  const { root, head, body } = panel("Alerts open", "alerts-open");
  const more = element("a", { class: "aside" }, "all and past");
  head.append(more);
  const none = element("p", { class: "empty" });
  const list = element("div", { "aria-live": "polite" });
  body.append(none, list);
  const rows = new Rows<AlertNews>(
    list,
    (a) => `${a.rule}\n${a.subject}`,
    () => line(live.nowMs.bind(live)),
  );

  function update(): void {
    const alerts = live.status?.alerts ?? [];
    const sorted = alerts.toSorted(
      (a, b) => order(a.severity) - order(b.severity) || b.openedMs - a.openedMs,
    );
    rows.update(sorted.slice(0, shownMax));
    setText(none, live.status === undefined ? notKnown : "None.");
    setHidden(none, alerts.length > 0);
    const hidden = alerts.length - shownMax;
    setText(more, hidden > 0 ? `${hidden} more, and past` : "all and past");
  }

  return {
    root,
    update,
    arrive() {
      more.href = context.hrefOf({ view: "alerts" });
    },
  };
}

function line(nowMs: () => number): Row<AlertNews> {
  const title = element("p", { class: "state" });
  const detail = element("p", { class: "dim" });
  const root = element("div", { class: "alert-line" }, title, detail);
  return {
    root,
    update(alert) {
      setText(title, `${alert.severity}: ${alertName(alert)}`);
      setAttribute(title, "data-state", alertState(alert.severity));
      setText(
        detail,
        unbroken(
          `worst ${worstText(alert)} · ${count(alert.count)} × in ${span(nowMs() - alert.openedMs)}`,
        ),
      );
      setAttribute(root, "title", alert.summary);
    },
  };
}
