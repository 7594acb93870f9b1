/** The dashboard: one stream of status, one place in the address, one view at a time. */
import { parsePlace, type Place, placeQuery, type View, views } from "./address.ts";
import type { Context, Part } from "./context.ts";
import { helpDialog } from "./help.ts";
import { Live } from "./live.ts";
import { painted } from "./paint.ts";
import { type Palette, readPalette } from "./palette.ts";
import { header } from "./panel/header.ts";
import { notice } from "./panel/notice.ts";
import { applyTheme, nextTheme, onSystemTheme } from "./theme.ts";
import { alertsView } from "./view/alerts.ts";
import { feedView } from "./view/feed.ts";
import { inferenceView } from "./view/inference.ts";
import { machineView } from "./view/machine.ts";
import { overview } from "./view/overview.ts";
import { signalsView } from "./view/signals.ts";

const makers: Readonly<Record<View, (context: Context) => Part>> = {
  overview,
  signals: signalsView,
  alerts: alertsView,
  feed: feedView,
  inference: inferenceView,
  machine: machineView,
};

/** The static overview stays until there are numbers, but not for longer than this. */
const shellMsMax = 1500;

class Dashboard implements Context {
  readonly live = new Live();
  readonly firstNumbers: Promise<void>;
  place = parsePlace(location.search);
  palette: Palette = readPalette();
  readonly #made = new Map<View, Part>();
  readonly #help = helpDialog();
  readonly #bar: Part;
  readonly #words: Part;
  readonly #main = document.querySelector<HTMLElement>("#main")!;
  readonly #showNumbers: () => void;
  #shown: Part | undefined;
  /** The program that the first numbers were of. */
  #build: string | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.firstNumbers = promise;
    this.#showNumbers = resolve;
    const onTheme = (): void => this.#changeTheme();
    this.#bar = header(this, onTheme, () => this.#help.showModal());
    this.#words = notice(this);
    this.live.onChange(() => this.#update());
  }

  start(): void {
    addEventListener("popstate", () => {
      this.place = parsePlace(location.search);
      this.#arrive();
    });
    document.addEventListener("click", (event) => this.#follow(event));
    document.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("visibilitychange", () => this.#update());
    onSystemTheme(() => this.#restyle());
    setInterval(() => this.#update(), 1000);
    this.live.connect();
    this.#arrive();
  }

  go(change: Partial<Place>, replace = false): void {
    const next = { ...this.place, ...change };
    const query = placeQuery(next);
    if (query === placeQuery(this.place)) return;
    const address = query === "" ? "/" : query;
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    this.place = next;
    this.#arrive();
  }

  hrefOf(change: Partial<Place>): string {
    return `/${placeQuery({ ...this.place, ...change })}`;
  }

  #arrive(): void {
    const { view, symbol } = this.place;
    let part = this.#made.get(view);
    if (part === undefined) {
      part = makers[view](this);
      this.#made.set(view, part);
      part.restyle?.();
    }
    if (part !== this.#shown) {
      this.#shown?.leave?.();
      this.#shown = part;
      if (!this.#shellServes()) this.#mount(part);
    }
    document.title = symbol === "" ? `hftedge · ${view}` : `hftedge · ${symbol}`;
    this.#bar.arrive?.();
    part.arrive?.();
    this.#update();
  }

  /** The static overview is as good as one without numbers, and is there already. */
  #shellServes(): boolean {
    if (this.place.view !== "overview" || this.#main.querySelector(".shell") === null) return false;
    const { status, state } = this.live;
    return status === undefined && state.kind !== "lost" && performance.now() < shellMsMax;
  }

  #mount(part: Part): void {
    this.#main.replaceChildren(part.root);
    this.#main.removeAttribute("aria-busy");
    void painted().then(this.#showNumbers);
  }

  #update(): void {
    this.#keepUp();
    this.#bar.update();
    this.#words.update();
    const part = this.#shown;
    if (part === undefined) return;
    part.update();
    if (part.root.isConnected || this.#shellServes()) return;
    this.#mount(part);
  }

  /**
   * A page that was left open while the program was replaced is of the one before, which may read
   * the numbers of the new one wrongly: it is loaded anew. Its address holds what it shows.
   */
  #keepUp(): void {
    const { status } = this.live;
    if (status === undefined) return;
    const build = `${status.version} ${status.commit}`;
    this.#build ??= build;
    if (this.#build !== build) location.reload();
  }

  #changeTheme(): void {
    nextTheme();
    this.#restyle();
  }

  #restyle(): void {
    applyTheme();
    this.palette = readPalette();
    for (const part of this.#made.values()) part.restyle?.();
    this.#bar.arrive?.();
  }

  /** Links within the page do not load it anew; with a modifier they are the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.origin !== location.origin || link.pathname !== "/") return;
    if (link.hash !== "") return;
    event.preventDefault();
    this.go(parsePlace(link.search));
  }

  #press(event: KeyboardEvent): void {
    const { target, key } = event;
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (typing || event.metaKey || event.ctrlKey || event.altKey || this.#help.open) return;
    const view = views[Number(key) - 1];
    if (/^[1-9]$/.test(key) && view !== undefined) this.go({ view, symbol: "", filter: "" });
    else if (key === "t") this.#changeTheme();
    else if (key === "?") this.#help.showModal();
    else if (key === "h") document.querySelector<HTMLElement>("#chart")?.focus();
    else if (key === "/") {
      event.preventDefault();
      if (this.place.view !== "signals") this.go({ view: "signals", symbol: "" });
      document.querySelector<HTMLElement>("#filter")?.focus();
    } else if (key === "Escape" && this.place.symbol !== "") this.go({ symbol: "" });
  }
}

export function startDashboard(): void {
  new Dashboard().start();
}
