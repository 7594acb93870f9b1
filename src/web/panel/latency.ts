/** Latency over time: stage, range and zoom are the place, so that an address reproduces them. */
import { count, duration } from "../../unit.ts";
import { boundsOf, fixedRange, presets, type Range, stepFor } from "../address.ts";
import { numberOf } from "../api.ts";
import { type Cursor, LatencyChart } from "../chart.ts";
import type { Context, Part } from "../context.ts";
import { element, panel, setAttribute, setText, svg } from "../dom.ts";
import { bandOf, countRange, faintest, stepTotals } from "../heat.ts";
import { day, moment, span } from "../instant.ts";
import { fetchLatency, type LatencyPicture } from "../latency-data.ts";

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
  let shownKey = "";
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
      trouble = error instanceof Error ? error.message : String(error);
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
      alerts: alerts.map(({ openedMs, resolvedMs, severity }) => {
        return { openedMs, resolvedMs: numberOf(resolvedMs), severity };
      }),
      nowS: live.nowMs() / 1000,
    });
    setAttribute(root, "data-from", String(fromS));
    setAttribute(root, "data-to", String(toS));
  }

  function describe(): void {
    const { range } = context.place;
    const { fromS, toS } = boundsOf(range, live.nowMs());
    const nowMs = live.nowMs();
    const words =
      range.kind === "live"
        ? `last ${lengthWords(range.seconds)}, live`
        : `${moment(fromS * 1000, nowMs)} – ${moment(toS * 1000, nowMs)} UTC`;
    const stepS = picture?.heat.stepS ?? 0;
    setText(
      aside,
      trouble === "" ? `${words} · ${span(stepS * 1000)} a column` : `not loaded: ${trouble}`,
    );
    const unsynchronised =
      context.place.stage === "network_latency" && live.status?.clocksAgree === false;
    readout.show(picture, cursor, nowMs, unsynchronised);
  }

  function arrive(): void {
    visible = true;
    fillStages(stage, live.status?.stages.map(({ name }) => name) ?? [], context.place.stage);
    ranges.update();
    if (key() !== shownKey) {
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

function lengthWords(seconds: number): string {
  return presets.find((preset) => preset.seconds === seconds)?.words ?? span(seconds * 1000);
}

/** The step's beginning, as finely as its length makes sense of. */
function stepMoment({ heat }: LatencyPicture, step: number, nowMs: number): string {
  const atMs = (heat.fromS + step * heat.stepS) * 1000;
  return heat.stepS >= 86_400 ? day(atMs) : moment(atMs, nowMs);
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

interface Readout {
  root: HTMLElement;
  show(
    picture: LatencyPicture | undefined,
    cursor: Cursor | undefined,
    nowMs: number,
    unsynchronised: boolean,
  ): void;
  restyle(context: Context): void;
}

/** The line above the chart: what is under the cursor, or the newest step, and the key. */
function createReadout(): Readout {
  const when = element("span", { class: "when" });
  const values = ["p50", "p99", "p99.9"].map((name, index) => {
    const path = svg("path", { class: `key-${["p50", "p99", "p999"][index]}`, d: "M0,4H22" });
    const value = element("b");
    const key = svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, path);
    const root = element("span", { class: "key" });
    root.append(key, `${name} `, value);
    return { root, value };
  });
  const max = element("b");
  const measured = element("b");
  const here = element("span");
  const ramp = element("canvas", { class: "heat-key", width: "256", height: "1" });
  const [least, most] = [element("span"), element("span")];
  const clocks = element(
    "span",
    { class: "state", "data-state": "warning" },
    "clocks not synchronised",
  );
  const root = element(
    "div",
    { class: "readout" },
    when,
    ...values.map((value) => value.root),
    element("span", {}, "max ", max),
    element("span", {}, measured, " values"),
    here,
    clocks,
    element("span", { class: "key aside" }, least, ramp, most),
  );
  return {
    root,
    show(picture, cursor, nowMs, unsynchronised) {
      clocks.hidden = !unsynchronised;
      if (picture === undefined) return;
      const { heat, lines, maxNs, times } = picture;
      const totals = stepTotals(heat);
      const newest = totals.findLastIndex((total) => total > 0);
      const at =
        cursor === undefined ? newest : Math.floor((cursor.timeS - heat.fromS) / heat.stepS);
      const total = totals[at] ?? 0;
      setText(when, times[at] === undefined ? "" : stepMoment(picture, at, nowMs));
      values.forEach(({ value }, index) => setText(value, duration(numberOf(lines[index]?.[at]))));
      setText(max, duration(numberOf(maxNs[at])));
      setText(measured, total > 0 ? count(total) : "no");
      const range = countRange(heat);
      setText(least, `${count(range.least)} `);
      setText(most, ` ${count(range.most)} a cell · hatched: nothing measured`);
      setText(here, cursor === undefined ? "" : underCursor(picture, cursor, at));
    },
    restyle(context) {
      const row = new ImageData(256, 1);
      const { heat } = context.palette;
      for (let x = 0; x < 256; x++) {
        const colour = Math.round(faintest + (x / 255) * (255 - faintest)) * 4;
        row.data.set(heat.subarray(colour, colour + 4), x * 4);
      }
      ramp.getContext("2d")?.putImageData(row, 0, 0);
    },
  };
}

function underCursor({ heat }: LatencyPicture, { latencyNs }: Cursor, step: number): string {
  const band = bandOf(heat.edgesNs, latencyNs);
  if (band < 0 || step < 0 || step >= heat.steps) return "";
  const low = duration(heat.edgesNs[band]!);
  const high = duration(heat.edgesNs[band + 1]!);
  return `${low} – ${high}: ${count(heat.counts[band * heat.steps + step] ?? 0)}`;
}
