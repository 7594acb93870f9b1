/** Latency over time: stage, range and zoom are the place, so that an address reproduces them. */
import { boundsOf, fixedRange, presets, type Range, stepFor } from "../address.ts";
import { alertKey } from "../alert-text.ts";
import { type AlertNews, numberOf } from "../api.ts";
import { type Cursor, LatencyChart } from "../chart.ts";
import type { Context, Part } from "../context.ts";
import { element, panel, setAttribute, setText } from "../dom.ts";
import { moment, span } from "../instant.ts";
import { fetchLatency, type LatencyPicture } from "../latency-data.ts";
import { troubleWords } from "../poll.ts";
import { createReadout } from "./readout.ts";

/** Columns of the chart at most; each is a step of at least a second. */
const columnsMax = 400;
const retryMs = 5000;
/** Two clocks that differ by more give two pictures. */
const clockErrorMs = 1500;

export function latencyPanel(context: Context): Part {
  const { live } = context;
  const { root, head, body } = panel("Latency over time", "latency");
  body.classList.add("heat-body");
  const stage = element("select", { "aria-label": "Stage", id: "stage" });
  stage.addEventListener("change", () => context.go({ stage: stage.value }));
  const ranges = rangeButtons(context);
  const aside = element("span", { class: "aside", id: "range-words" });
  head.append(stage, ranges.root, aside);
  const readout = createReadout();
  const host = element("div", {
    class: "chart",
    id: "chart",
    tabindex: "0",
    role: "img",
    "aria-label": "Heat map of latency over time. Arrow keys move, plus and minus zoom, 0 is live.",
  });
  body.append(readout.root, host);

  let picture: LatencyPicture | undefined;
  /** What the picture is of, and what was asked for last. */
  let shownKey = "";
  let askedKey = "";
  let cursor: Cursor | undefined;
  let trouble = "";
  let request: AbortController | undefined;
  let nextMs = 0;
  let visible = false;

  const chart = new LatencyChart({
    host,
    palette: () => context.palette,
    onSelect: (fromS, toS) => context.go({ range: fixedRange(fromS, toS) }),
    onCursor: (at) => {
      cursor = at;
      describe();
    },
  });
  host.addEventListener("keydown", (event) => {
    const range = moved(event.key, context.place.range, live.nowMs());
    if (range === undefined) return;
    event.preventDefault();
    context.go({ range }, true);
  });
  host.addEventListener("dblclick", () => {
    if (context.place.range.kind === "fixed") context.go({ range: zoomedOut(context.place.range) });
  });

  function key(): string {
    return JSON.stringify([context.place.stage, context.place.range]);
  }

  async function load(): Promise<void> {
    request?.abort();
    const own = new AbortController();
    request = own;
    const { place } = context;
    const wanted = key();
    // Asked for before the run's own time is known: by this computer's clock.
    const askedMs = live.nowMs();
    const early = live.status === undefined;
    const { fromS, toS } = boundsOf(place.range, askedMs);
    const stepS = stepFor(toS - fromS, columnsMax);
    askedKey = wanted;
    nextMs = Infinity;
    try {
      const askedAtMs = performance.now();
      const found = await fetchLatency(place.stage, fromS, toS, stepS, own.signal);
      await context.firstNumbers;
      if (own.signal.aborted) return;
      picture = found;
      shownKey = wanted;
      trouble = "";
      draw(fromS, toS);
      const guessedMs = askedMs + performance.now() - askedAtMs;
      const wrong = early && Math.abs(live.nowMs() - guessedMs) > clockErrorMs;
      nextMs = wrong ? 0 : performance.now() + refreshMs(place.range, stepS, live.nowMs());
    } catch (error) {
      if (own.signal.aborted) return;
      trouble = troubleWords(error);
      nextMs = performance.now() + retryMs;
    }
    describe();
  }

  function draw(fromS: number, toS: number): void {
    if (picture === undefined) return;
    const { heat, times, lines, alerts } = picture;
    const status = live.status?.stages.find(({ name }) => name === context.place.stage);
    chart.show({
      fromS,
      toS,
      heat,
      times,
      lines,
      thresholdNs: numberOf(status?.thresholdNs),
      alerts: withOpen(alerts, live.status?.alerts ?? []).map(
        ({ openedMs, resolvedMs, severity }) => {
          return { openedMs, resolvedMs: numberOf(resolvedMs), severity };
        },
      ),
      nowS: live.nowMs() / 1000,
    });
    setAttribute(root, "data-from", String(fromS));
    setAttribute(root, "data-to", String(toS));
    setAttribute(root, "data-stage", context.place.stage);
  }

  function describe(): void {
    const { range } = context.place;
    const { fromS, toS } = boundsOf(range, live.nowMs());
    const nowMs = live.nowMs();
    const words =
      range.kind === "live"
        ? `last ${lengthWords(range.seconds)}, live`
        : `${moment(fromS * 1000, nowMs)} – ${moment(toS * 1000, nowMs)} UTC`;
    // Until its own picture has come, what is drawn is of another stage or range.
    const own = shownKey === key() ? picture : undefined;
    setAttribute(root, "aria-busy", String(own === undefined));
    const column = own === undefined ? "loading …" : `${span(own.heat.stepS * 1000)} a column`;
    setText(aside, trouble === "" ? `${words} · ${column}` : `not loaded: ${trouble}`);
    const unsynchronised =
      context.place.stage === "network_latency" && live.status?.clocksAgree === false;
    readout.show(picture, cursor, nowMs, unsynchronised);
  }

  function arrive(): void {
    visible = true;
    fillStages(stage, live.status?.stages.map(({ name }) => name) ?? [], context.place.stage);
    ranges.update();
    if (key() !== askedKey) {
      trouble = "";
      nextMs = 0;
      update();
    }
  }

  function update(): void {
    fillStages(stage, live.status?.stages.map(({ name }) => name) ?? [], context.place.stage);
    const reachable =
      live.state.kind === "open" || (live.status === undefined && live.state.kind !== "lost");
    if (visible && reachable && !document.hidden && performance.now() >= nextMs) void load();
    describe();
  }

  return {
    root,
    update,
    arrive,
    leave() {
      visible = false;
      request?.abort();
      nextMs = 0;
    },
    restyle() {
      chart.restyle();
      readout.restyle(context);
    },
  };
}

/** The alerts of the range, and those that opened so long before it that it does not name them. */
function withOpen(alerts: readonly AlertNews[], open: readonly AlertNews[]): AlertNews[] {
  const known = new Set(alerts.map(alertKey));
  return [...alerts, ...open.filter((alert) => !known.has(alertKey(alert)))];
}

function lengthWords(seconds: number): string {
  return presets.find((preset) => preset.seconds === seconds)?.words ?? span(seconds * 1000);
}

/** A live range moves on by itself; the past changes no more. */
function refreshMs(range: Range, stepS: number, nowMs: number): number {
  if (range.kind === "fixed" && range.toS * 1000 < nowMs - 5000) return Infinity;
  return Math.min(60_000, Math.max(2000, stepS * 1000));
}

function zoomedOut({ fromS, toS }: { fromS: number; toS: number }): Range {
  const half = toS - fromS;
  return fixedRange(fromS - half / 2, toS + half / 2);
}

/** The range after a key, undefined for a key that means nothing here. */
function moved(key: string, range: Range, nowMs: number): Range | undefined {
  const { fromS, toS } = boundsOf(range, nowMs);
  const length = toS - fromS;
  switch (key) {
    case "ArrowLeft":
      return fixedRange(fromS - length / 4, toS - length / 4);
    case "ArrowRight":
      return fixedRange(fromS + length / 4, toS + length / 4);
    case "+":
    case "=":
      return fixedRange(fromS + length / 4, toS - length / 4);
    case "-":
      return fixedRange(fromS - length / 2, toS + length / 2);
    case "0":
      return { kind: "live", seconds: 300 };
    default:
      return undefined;
  }
}

function rangeButtons(context: Context): { root: HTMLElement; update(): void } {
  const buttons = presets.map(({ label, words, seconds }) => {
    const button = element("button", { type: "button", "aria-label": `Last ${words}` }, label);
    button.addEventListener("click", () => context.go({ range: { kind: "live", seconds } }));
    return { button, seconds };
  });
  const root = element(
    "div",
    { class: "ranges", role: "group", "aria-label": "Range" },
    ...buttons.map(({ button }) => button),
  );
  return {
    root,
    update() {
      const { range } = context.place;
      for (const { button, seconds } of buttons) {
        const pressed = range.kind === "live" && range.seconds === seconds;
        setAttribute(button, "aria-pressed", String(pressed));
      }
    },
  };
}

function fillStages(select: HTMLSelectElement, names: readonly string[], chosen: string): void {
  const wanted = names.includes(chosen) ? names : [chosen, ...names];
  const current = [...select.options].map(({ value }) => value);
  if (current.join(" ") !== wanted.join(" ")) {
    select.replaceChildren(...wanted.map((name) => element("option", { value: name }, name)));
  }
  if (select.value !== chosen) select.value = chosen;
}
