/** The bar on top: where one is, how the run is, whether the numbers are live, and the time. */
import { type View, views } from "../address.ts";
import type { Context, Part } from "../context.ts";
import { element, setAttribute, setHidden, setText } from "../dom.ts";
import { clock, span } from "../instant.ts";
import type { Live } from "../live.ts";
import { chosenTheme } from "../theme.ts";

const titles: Readonly<Record<View, string>> = {
  overview: "Overview",
  signals: "Signals",
  alerts: "Alerts",
  feed: "Feed",
  inference: "Inference",
  machine: "Machine",
};

/** Older numbers are shown as old. */
export const oldAfterMs = 3500;

export function header(context: Context, onTheme: () => void, onHelp: () => void): Part {
  const { live } = context;
  const version = element("small");
  const brand = element("a", { class: "brand", href: "/" }, "hftedge", version);
  const links = views.map((view) => ({ view, ...navLink(view) }));
  const nav = element("nav", { "aria-label": "Views" }, ...links.map(({ link }) => link));
  const readiness = element("span", { class: "state", id: "readiness" });
  const connection = element("span", { class: "state", id: "connection" });
  const time = element("span");
  const utc = element("span", { class: "utc" }, time, element("small", {}, "UTC"));
  const theme = element("button", { type: "button", id: "theme" });
  theme.addEventListener("click", onTheme);
  const help = element("button", { type: "button", "aria-label": "Keys" }, "?");
  help.addEventListener("click", onHelp);
  const right = element("div", { class: "header-right" }, readiness, connection, utc, theme, help);
  const root = document.querySelector<HTMLElement>("#header")!;
  root.replaceChildren(brand, nav, right);

  function arrive(): void {
    const choice = chosenTheme();
    setText(theme, choice);
    setAttribute(theme, "data-choice", choice);
    setAttribute(theme, "aria-label", `Theme: ${choice}`);
    for (const { view, link } of links) {
      link.href = context.hrefOf({ view, symbol: "", filter: "" });
      if (view === context.place.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  function update(): void {
    const { status } = live;
    setText(version, status === undefined ? "" : status.version);
    const { words, state } = connectionWords(live, Date.now());
    // What was ready when it was last heard of may be so no more.
    const ready = state === "good" ? status?.readiness.status : undefined;
    setText(readiness, ready ?? "unknown");
    setAttribute(readiness, "data-state", readinessState(ready));
    setText(connection, words);
    setAttribute(connection, "data-state", state);
    setText(time, clock(live.nowMs()));
    const open = status?.alerts.length ?? 0;
    for (const { view, badge } of links) {
      setHidden(badge, view !== "alerts" || open === 0);
      if (view === "alerts") setText(badge, String(open));
    }
  }

  return { root, update, arrive };
}

function navLink(view: View): { link: HTMLAnchorElement; badge: HTMLElement } {
  const badge = element("span", { class: "badge", "aria-label": "open" });
  badge.hidden = true;
  return { badge, link: element("a", { href: "/" }, titles[view], badge) };
}

export function readinessState(status: string | undefined): string {
  if (status === "ready") return "good";
  return status === "degraded" ? "warning" : status === undefined ? "unknown" : "critical";
}

/** Whether what is shown is what is: the words leave no doubt. */
export function connectionWords(live: Live, nowMs: number): { words: string; state: string } {
  const { state, arrivedMs, lostMs } = live;
  if (state.kind === "open") {
    const ageMs = nowMs - arrivedMs;
    if (Number.isNaN(ageMs)) return { words: "connected", state: "unknown" };
    if (ageMs <= oldAfterMs) return { words: "live", state: "good" };
    return { words: `no news for ${span(ageMs)}`, state: "warning" };
  }
  if (Number.isNaN(lostMs)) return { words: "connecting", state: "unknown" };
  return { words: `disconnected for ${span(nowMs - lostMs)}`, state: "critical" };
}
