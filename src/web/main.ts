/** The dashboard: one stream of status, one place in the address, one view at a time. */
import { parsePlace, type Place, placeQuery, type View } from "./address.ts";
import type { Context, Part } from "./context.ts";
import { helpDialog } from "./help.ts";
import { Live } from "./live.ts";
import { readPalette } from "./palette.ts";
import { header } from "./panel/header.ts";
import { notice } from "./panel/notice.ts";
import { applyTheme, nextTheme, onSystemTheme } from "./theme.ts";
import { alertsView } from "./view/alerts.ts";
import { feedView } from "./view/feed.ts";
import { inferenceView } from "./view/inference.ts";
import { machineView } from "./view/machine.ts";
import { overview } from "./view/overview.ts";
import { signalsView } from "./view/signals.ts";

applyTheme();
const live = new Live();
let place = parsePlace(location.search);
let palette = readPalette();

const context: Context = {
  live,
  get place() {
    return place;
  },
  get palette() {
    return palette;
  },
  go,
  hrefOf: (change) => `/${placeQuery({ ...place, ...change })}`,
};

const makers: Readonly<Record<View, (context: Context) => Part>> = {
  overview,
  signals: signalsView,
  alerts: alertsView,
  feed: feedView,
  inference: inferenceView,
  machine: machineView,
};
const made = new Map<View, Part>();
const help = helpDialog();
const bar = header(context, changeTheme, () => help.showModal());
const words = notice(context);
const main = document.querySelector<HTMLElement>("#main")!;
let shown: Part | undefined;

function go(change: Partial<Place>, replace = false): void {
  const next = { ...place, ...change };
  const query = placeQuery(next);
  if (query === placeQuery(place)) return;
  const address = query === "" ? "/" : query;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  place = next;
  arrive();
}

function arrive(): void {
  const { view } = place;
  let part = made.get(view);
  if (part === undefined) {
    part = makers[view](context);
    made.set(view, part);
    part.restyle?.();
  }
  if (part !== shown) {
    shown?.leave?.();
    main.replaceChildren(part.root);
    shown = part;
  }
  document.title = place.symbol === "" ? `hftedge · ${view}` : `hftedge · ${place.symbol}`;
  bar.arrive?.();
  part.arrive?.();
  update();
}

function update(): void {
  bar.update();
  words.update();
  shown?.update();
}

function changeTheme(): void {
  nextTheme();
  restyle();
}

function restyle(): void {
  applyTheme();
  palette = readPalette();
  for (const part of made.values()) part.restyle?.();
  bar.arrive?.();
}

addEventListener("popstate", () => {
  place = parsePlace(location.search);
  arrive();
});

/** Links within the page do not load it anew; with a modifier they are the browser's. */
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.origin !== location.origin || link.pathname !== "/") return;
  if (link.hash !== "") return;
  event.preventDefault();
  go(parsePlace(link.search));
});

document.addEventListener("keydown", (event) => {
  const { target } = event;
  const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (typing || event.metaKey || event.ctrlKey || event.altKey || help.open) return;
  const keys = Object.keys(makers) as View[];
  const view = keys[Number(event.key) - 1];
  if (/^[1-9]$/.test(event.key) && view !== undefined) go({ view, symbol: "", filter: "" });
  else if (event.key === "t") changeTheme();
  else if (event.key === "?") help.showModal();
  else if (event.key === "h") document.querySelector<HTMLElement>("#chart")?.focus();
  else if (event.key === "/") {
    event.preventDefault();
    if (place.view !== "signals") go({ view: "signals", symbol: "" });
    document.querySelector<HTMLElement>("#filter")?.focus();
  } else if (event.key === "Escape" && place.symbol !== "") go({ symbol: "" });
});

document.addEventListener("visibilitychange", update);
onSystemTheme(restyle);
live.onChange(update);
setInterval(update, 1000);
arrive();
live.connect();
