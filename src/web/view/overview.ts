/** Everything at a glance: made to hang on a wall. */
import type { Context, Part } from "../context.ts";
import { element } from "../dom.ts";
import { latencyPanel } from "../panel/latency.ts";
import { newestSignals } from "../panel/newest-signals.ts";
import { openAlerts } from "../panel/open-alerts.ts";
import { stageTable } from "../panel/stage-table.ts";
import { systemPanel } from "../panel/system.ts";
import { tileRow } from "../panel/tiles.ts";
import { combine } from "./view.ts";

export function overview(context: Context): Part {
  const tiles = tileRow(context);
  const stages = stageTable(context);
  const latency = latencyPanel(context);
  const rail = [systemPanel(context), openAlerts(context), newestSignals(context)];
  const side = element("div", { class: "rail" }, ...rail.map(({ root }) => root));
  const root = element(
    "div",
    { class: "view overview" },
    tiles.root,
    stages.root,
    side,
    latency.root,
  );
  return combine(root, [tiles, stages, latency, ...rail]);
}
