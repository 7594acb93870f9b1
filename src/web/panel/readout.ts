/** The line above the chart: what is under the cursor, or the newest step, and the key. */
import { count, duration } from "../../unit.ts";
import { numberOf } from "../api.ts";
import type { Cursor } from "../chart.ts";
import type { Context } from "../context.ts";
import { element, setHidden, setText, svg } from "../dom.ts";
import { bandOf, countRange, faintest, stepTotals } from "../heat.ts";
import { day, moment } from "../instant.ts";
import type { LatencyPicture } from "../latency-data.ts";

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

export function createReadout(): Readout {
  const when = element("span", { class: "when" });
  const values = ["p50", "p99", "p99.9"].map((name, index) => {
    const path = svg("path", { class: `key-${["p50", "p99", "p999"][index]}`, d: "M0,4H22" });
    const value = element("b");
    const stroke = svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, path);
    const root = element("span", { class: "key" });
    root.append(stroke, `${name} `, value);
    return { root, value };
  });
  const max = element("b");
  const measured = element("b");
  const here = element("span", { class: "aside" });
  const ramp = element("canvas", { class: "heat-key", width: "256", height: "1" });
  const [least, most] = [element("span"), element("span")];
  const clocks = element(
    "span",
    { class: "state", "data-state": "warning" },
    "clocks not synchronised",
  );
  const key = element(
    "span",
    { class: "key aside" },
    least,
    ramp,
    most,
    element("span", { class: "hatch-key" }),
    "no data",
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
    key,
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
      setText(least, count(range.least));
      setText(most, `${count(range.most)} a cell`);
      const words = cursor === undefined ? "" : underCursor(picture, cursor, at);
      setText(here, words);
      // One gives way to the other, so that the line does not wrap and move the chart.
      setHidden(key, words !== "");
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

/** The step's beginning, as finely as its length makes sense of. */
function stepMoment({ heat }: LatencyPicture, step: number, nowMs: number): string {
  const atMs = (heat.fromS + step * heat.stepS) * 1000;
  return heat.stepS >= 86_400 ? day(atMs) : moment(atMs, nowMs);
}
