/** Every stage now: rate, percentiles, success, against its threshold. */
import { count, duration, percent } from "../../unit.ts";
import { numberOf, type StageStatus } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, panel, type Row, Rows, setAttribute, setText } from "../dom.ts";
import { strip } from "../spark.ts";

const columns = ["stage", "per s", "p50", "p99", "p99.9", "max", "success", "limit"];
const stripHelp = "100 ns to 10 s, p50 to p99, line to the maximum, tick at the limit";

export function stageTable(context: Context): Part {
  const { live } = context;
  const { root, head, body } = panel("Latency now", "stages");
  const aside = element("span", { class: "aside" });
  const more = element("button", { type: "button", "aria-pressed": "false" }, "All stages");
  head.append(aside, more);
  let all = false;
  more.addEventListener("click", () => {
    all = !all;
    setAttribute(more, "aria-pressed", String(all));
    setText(more, all ? "Components" : "All stages");
    update();
  });
  const table = element("tbody");
  const titles = columns.map((title, index) =>
    element("th", index === 0 ? {} : { class: "number" }, title),
  );
  const marks = ["1 µs", "1 ms", "1 s"].map((mark) => element("span", {}, mark));
  const scale = element("div", { class: "strip-scale" }, ...marks);
  titles.push(element("th", { class: "strip-cell", title: stripHelp }, scale));
  body.append(element("table", {}, element("thead", {}, element("tr", {}, ...titles)), table));
  const rows = new Rows<StageStatus>(
    table,
    (stage) => stage.name,
    (stage) => stageRow(context, stage.name),
  );

  function update(): void {
    const { status } = live;
    if (status === undefined) return;
    rows.update(status.stages.filter(({ headline, name }) => all || headline || isPipeline(name)));
    setText(aside, `percentiles of the last ${status.windowS} s`);
  }

  return { root, update, arrive: update };
}

/** Cached and uncached are the two ways through: always shown. */
function isPipeline(name: string): boolean {
  return name.startsWith("total_pipeline.");
}

function stageRow(context: Context, name: string): Row<StageStatus> {
  const link = element("a", { href: context.hrefOf({ stage: name }) }, name);
  const clocks = element("span", { class: "dim" });
  const cells = columns.slice(1).map(() => element("td", { class: "number" }));
  const picture = strip();
  const root = element(
    "tr",
    { class: name.includes(".") ? "part link" : "link" },
    element("td", {}, link, clocks),
    ...cells,
    element("td", { class: "strip-cell" }, picture.root),
  );
  root.addEventListener("click", (event) => {
    if (event.target !== link) context.go({ stage: name });
  });
  return {
    root,
    update(stage) {
      const limit = numberOf(stage.thresholdNs);
      const [rate, p50, p99, p999, max, success, threshold] = cells as HTMLElement[];
      setText(rate!, count(stage.ratePerS));
      time(p50!, numberOf(stage.p50Ns), limit);
      time(p99!, numberOf(stage.p99Ns), limit);
      time(p999!, numberOf(stage.p999Ns), limit);
      time(max!, numberOf(stage.maxNs), limit);
      setText(success!, percent(numberOf(stage.successRate)));
      setText(threshold!, duration(limit));
      const unsynchronised =
        name === "network_latency" && context.live.status?.clocksAgree === false;
      setText(clocks, unsynchronised ? " clocks not synchronised" : "");
      setAttribute(root, "aria-selected", String(context.place.stage === name));
      link.href = context.hrefOf({ stage: name });
      picture.draw({
        p50Ns: numberOf(stage.p50Ns),
        p99Ns: numberOf(stage.p99Ns),
        maxNs: numberOf(stage.maxNs),
        thresholdNs: limit,
      });
    },
  };
}

function time(cell: HTMLElement, ns: number, limitNs: number): void {
  setText(cell, duration(ns));
  cell.classList.toggle("over", ns > limitNs);
}
