/** The first line of numbers, each with its last minutes. */
import { byteCount, count, counted, duration, percent } from "../../unit.ts";
import { numberOf, type StageStatus, type Status } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, setAttribute, setText } from "../dom.ts";
import { spark } from "../spark.ts";

interface Look {
  /** "8.4 µs": the unit is set smaller. */
  value: string;
  sub: string;
  state?: "warning" | "critical" | undefined;
}

interface TileSpec {
  label: string;
  /** What the sparkline is drawn of. */
  trail(status: Status): number;
  look(status: Status): Look;
}

const total = (status: Status): StageStatus | undefined =>
  status.stages.find(({ name }) => name === "total_pipeline");

/** The first is what the others explain: the page's one large number. */
const tiles: readonly TileSpec[] = [
  {
    label: "Pipeline p99",
    trail: (status) => numberOf(total(status)?.p99Ns),
    look: (status) => {
      const stage = total(status);
      const p99 = numberOf(stage?.p99Ns);
      const limit = numberOf(stage?.thresholdNs);
      return {
        value: duration(p99),
        sub: `p50 ${duration(numberOf(stage?.p50Ns))}`,
        state: p99 > limit ? "warning" : undefined,
      };
    },
  },
  {
    label: "Signals",
    trail: ({ signals }) => signals.perS,
    look: ({ signals }) => ({
      value: `${count(signals.perS)} /s`,
      sub: `${count(signals.total)} in all`,
    }),
  },
  {
    label: "Datagrams",
    trail: ({ feed }) => feed.datagramsPerS,
    look: ({ feed }) => ({
      value: `${count(feed.datagramsPerS)} /s`,
      sub: `${byteCount(feed.bytesPerS)}/s`,
    }),
  },
  {
    label: "Messages",
    trail: ({ feed }) => feed.messagesPerS,
    look: ({ feed }) => ({
      value: `${count(feed.messagesPerS)} /s`,
      sub: `${count(feed.messages)} in all`,
    }),
  },
  {
    label: "Lost",
    trail: ({ feed }) => feed.drops + feed.lostMessages,
    look: ({ feed }) => ({
      value: count(feed.drops + feed.lostMessages),
      sub: `${counted(feed.gaps, "gap")} · ${count(feed.drops)} dropped`,
      state:
        feed.staleChannels > 0 ? "critical" : feed.drops + feed.gaps > 0 ? "warning" : undefined,
    }),
  },
  {
    label: "Table hits",
    trail: ({ cache }) => numberOf(cache.l1Share),
    look: ({ cache }) => ({
      value: percent(numberOf(cache.l1Share)),
      sub: `${cache.l2Share === null ? "" : `L2 ${percent(cache.l2Share)} · `}${count(cache.missesPerS)} misses/s`,
    }),
  },
  {
    label: "Model p99",
    trail: ({ inference }) => numberOf(inference.p99Ns),
    look: ({ inference }) => ({
      value: duration(numberOf(inference.p99Ns)),
      sub:
        inference.engine === "rules"
          ? "rules, no model"
          : `${count(inference.answersPerS)} /s · ${count(inference.queued)} queued`,
    }),
  },
  {
    label: "Instruments",
    trail: ({ feed }) => feed.instruments - feed.staleInstruments,
    look: ({ feed }) => ({
      value: count(feed.instruments),
      sub: `${count(feed.staleInstruments)} stale · ${count(feed.heldInstruments)} held`,
      state: feed.heldInstruments > 0 ? "warning" : undefined,
    }),
  },
];

/** Longer numbers are set smaller: a digit that is cut off is worse. */
const wholeDigits = 8;

export function tileRow({ live }: Context): Part {
  const made = tiles.map((spec, index) => {
    const number = element("span");
    const unit = element("span", { class: "unit" });
    const sub = element("div", { class: "tile-sub" });
    const picture = spark();
    const root = element(
      "div",
      { class: index === 0 ? "tile lead" : "tile" },
      element("div", { class: "tile-label" }, spec.label),
      element("div", { class: "tile-value", elementtiming: "number" }, number, unit),
      sub,
    );
    root.append(picture.root);
    return { spec, number, unit, sub, picture, root, trail: live.trail(spec.label, spec.trail) };
  });
  const root = element("div", { class: "tiles" }, ...made.map((tile) => tile.root));
  let shownSeq = -1;

  function update(): void {
    const { status } = live;
    if (status === undefined || status.seq === shownSeq) return;
    shownSeq = status.seq;
    for (const { spec, number, unit, sub, picture, root: tile, trail } of made) {
      const look = spec.look(status);
      const [value = "", ...units] = look.value.split(" ");
      setText(number, value);
      tile.classList.toggle("long", value.length > wholeDigits);
      setText(unit, units.join(" "));
      setText(sub, look.sub);
      setAttribute(sub, "title", look.sub);
      setAttribute(tile, "data-state", look.state ?? "");
      picture.draw(trail.values);
    }
  }

  return { root, update };
}
