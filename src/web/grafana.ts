/**
 * A dashboard for Grafana over Prometheus, which scrapes /metrics: the same story as our own page,
 * for many boxes at once. Written as data; the shape is that of Grafana's export, schema 39.
 */

type Unit = "s" | "short" | "bytes" | "percentunit" | "reqps" | "none";

interface Query {
  expr: string;
  legend: string;
  format?: "heatmap";
}

interface PanelSpec {
  title: string;
  help: string;
  type: "timeseries" | "stat" | "heatmap";
  unit: Unit;
  queries: readonly Query[];
  /** In columns of a grid of 24. */
  width: number;
  height: number;
}

interface Row {
  title: string;
  panels: readonly PanelSpec[];
}

/** What is chosen at the top: one or several boxes. */
const at = 'instance=~"$instance"';
const stageAt = `${at},stage=~"$stage"`;
const rate = "[$__rate_interval]";

function perSecond(metric: string, by = ""): string {
  return `sum${by === "" ? "" : ` by (${by})`} (rate(${metric}{${at}}${rate}))`;
}

function gauge(metric: string, by = ""): string {
  return `sum${by === "" ? "" : ` by (${by})`} (${metric}{${at}})`;
}

/** What nothing was measured of is NaN, which no comparison holds for: it is left out. */
const known = ">= 0";

function quantile(part: number, selector: string, by = "le"): string {
  const buckets = `hftedge_stage_duration_seconds_bucket{${selector}}`;
  return `histogram_quantile(${part}, sum by (${by}) (rate(${buckets}${rate}))) ${known}`;
}

function share(part: string, rest: string): string {
  return `${perSecond(part)} / (${perSecond(part)} + ${perSecond(rest)}) ${known}`;
}

const line = { type: "timeseries", width: 8, height: 8 } as const;
const stat = { type: "stat", width: 4, height: 4 } as const;
const pipeline = `${at},stage=~"total_pipeline.+"`;

const rows: readonly Row[] = [
  {
    title: "Now",
    panels: [
      {
        ...stat,
        title: "Ready",
        help: "1 ready, 0.5 degraded, 0 not ready: the worst of the chosen boxes.",
        unit: "none",
        queries: [{ expr: `min (hftedge_ready{${at}})`, legend: "" }],
      },
      {
        ...stat,
        title: "Pipeline p99",
        help: "Kernel receive to signal, over all chosen boxes, from merged histograms.",
        unit: "s",
        queries: [{ expr: quantile(0.99, pipeline), legend: "" }],
      },
      {
        ...stat,
        title: "Signals",
        help: "Signals emitted a second.",
        unit: "reqps",
        queries: [{ expr: perSecond("hftedge_signals_total"), legend: "" }],
      },
      {
        ...stat,
        title: "Datagrams",
        help: "Datagrams received a second.",
        unit: "reqps",
        queries: [{ expr: perSecond("hftedge_received_datagrams_total"), legend: "" }],
      },
      {
        ...stat,
        title: "Dropped by the kernel",
        help: "Datagrams dropped in the range because a receive queue was full.",
        unit: "short",
        queries: [
          {
            expr: `sum (increase(hftedge_receive_queue_drops_total{${at}}[$__range]))`,
            legend: "",
          },
        ],
      },
      {
        ...stat,
        title: "Alerts open",
        help: "Alerts that are open now.",
        unit: "short",
        queries: [{ expr: gauge("hftedge_alerts_open"), legend: "" }],
      },
    ],
  },
  {
    title: "Latency",
    panels: [
      {
        ...line,
        title: "Percentiles of $stage",
        help: "Interpolated between bounds that are 1, 2 and 5 to a decade; the appliance's own page is exact to 0.8 %.",
        unit: "s",
        queries: [0.5, 0.99, 0.999].map((part) => {
          return { expr: quantile(part, stageAt), legend: `p${part * 100}` };
        }),
      },
      {
        ...line,
        type: "heatmap",
        title: "Heat map of $stage",
        help: "Durations by bound and time.",
        unit: "s",
        queries: [
          {
            expr: `sum by (le) (increase(hftedge_stage_duration_seconds_bucket{${stageAt}}${rate}))`,
            legend: "{{le}}",
            format: "heatmap",
          },
        ],
      },
      {
        ...line,
        title: "p99 of every stage",
        help: "Where the time goes.",
        unit: "s",
        queries: [{ expr: quantile(0.99, at, "le, stage"), legend: "{{stage}}" }],
      },
      {
        ...line,
        title: "Breaches of thresholds",
        help: "Durations above the stage's alert threshold, a second.",
        unit: "reqps",
        queries: [
          { expr: perSecond("hftedge_stage_breaches_total", "stage"), legend: "{{stage}}" },
        ],
      },
      {
        ...line,
        title: "Failures",
        help: "Failed attempts a second, those without a duration included.",
        unit: "reqps",
        queries: [{ expr: perSecond("hftedge_stage_errors_total", "stage"), legend: "{{stage}}" }],
      },
      {
        ...line,
        title: "Alerts opened",
        help: "By severity, in each interval.",
        unit: "short",
        queries: [
          {
            expr: `sum by (severity) (increase(hftedge_alerts_opened_total{${at}}${rate}))`,
            legend: "{{severity}}",
          },
        ],
      },
    ],
  },
  {
    title: "Feed",
    panels: [
      {
        ...line,
        title: "Messages",
        help: "Messages handed to the books, by feed.",
        unit: "reqps",
        queries: [
          { expr: perSecond("hftedge_channel_messages_total", "channel"), legend: "{{channel}}" },
        ],
      },
      {
        ...line,
        title: "Gaps and loss",
        help: "Each gap makes the feed's books stale until they are rebuilt.",
        unit: "reqps",
        queries: [
          { expr: perSecond("hftedge_channel_gaps_total", "channel"), legend: "gaps {{channel}}" },
          {
            expr: perSecond("hftedge_channel_lost_messages_total", "channel"),
            legend: "lost {{channel}}",
          },
          { expr: perSecond("hftedge_receive_queue_drops_total"), legend: "kernel drops" },
          { expr: perSecond("hftedge_late_datagrams_total"), legend: "late" },
        ],
      },
      {
        ...line,
        title: "Stale",
        help: "What must not be used now.",
        unit: "short",
        queries: [
          { expr: gauge("hftedge_stale_channels"), legend: "channels" },
          { expr: gauge("hftedge_stale_instruments"), legend: "instruments" },
          { expr: gauge("hftedge_held_instruments"), legend: "held by the operator" },
        ],
      },
    ],
  },
  {
    title: "Decisions",
    panels: [
      {
        ...line,
        title: "Signals by decision",
        help: "Emitted a second.",
        unit: "reqps",
        queries: [{ expr: perSecond("hftedge_signals_total", "decision"), legend: "{{decision}}" }],
      },
      {
        ...line,
        title: "Signals by source",
        help: "pending, stale, late, held, timeout and error are always HOLD.",
        unit: "reqps",
        queries: [{ expr: perSecond("hftedge_signals_total", "source"), legend: "{{source}}" }],
      },
      {
        ...line,
        title: "Found in the decision table",
        help: "Share of look-ups, by level.",
        unit: "percentunit",
        queries: [
          { expr: share("hftedge_cache_hits_total", "hftedge_cache_misses_total"), legend: "L1" },
          {
            expr: share("hftedge_cache_l2_hits_total", "hftedge_cache_l2_misses_total"),
            legend: "L2",
          },
        ],
      },
      {
        ...line,
        title: "Questions to the model",
        help: "Asked, answered, and given up.",
        unit: "reqps",
        queries: [
          { expr: perSecond("hftedge_inference_requests_total"), legend: "asked" },
          { expr: perSecond("hftedge_inference_ok_total"), legend: "answered" },
          { expr: perSecond("hftedge_inference_shed_total"), legend: "shed" },
          { expr: perSecond("hftedge_inference_errors_total", "kind"), legend: "failed: {{kind}}" },
        ],
      },
      {
        ...line,
        title: "Queue",
        help: "States that wait, and questions under way.",
        unit: "short",
        queries: [
          { expr: gauge("hftedge_inference_queue"), legend: "waiting" },
          { expr: gauge("hftedge_inference_in_flight"), legend: "asked" },
          { expr: gauge("hftedge_pending_states"), legend: "pending states" },
        ],
      },
      {
        ...line,
        title: "Model servers",
        help: "That answered their last check; breakers that are open.",
        unit: "short",
        queries: [
          { expr: gauge("hftedge_inference_hosts"), legend: "configured" },
          { expr: gauge("hftedge_inference_hosts_up"), legend: "up" },
          { expr: gauge("hftedge_breakers_open"), legend: "breakers open" },
        ],
      },
    ],
  },
  {
    title: "Machine",
    panels: [
      {
        ...line,
        title: "Processor and memory",
        help: "Shares of the host.",
        unit: "percentunit",
        queries: [
          { expr: `hftedge_host_cpu_ratio{${at}}`, legend: "CPU {{instance}}" },
          { expr: `hftedge_host_memory_used_ratio{${at}}`, legend: "memory {{instance}}" },
        ],
      },
      {
        ...line,
        title: "Memory of the program",
        help: "Resident set of all threads.",
        unit: "bytes",
        queries: [{ expr: `hftedge_resident_memory_bytes{${at}}`, legend: "{{instance}}" }],
      },
      {
        ...line,
        title: "History",
        help: "The database, its log, and what is free on its disk.",
        unit: "bytes",
        queries: [
          { expr: gauge("hftedge_store_bytes"), legend: "database" },
          { expr: gauge("hftedge_store_wal_bytes"), legend: "write-ahead log" },
          { expr: gauge("hftedge_disk_free_bytes"), legend: "free" },
        ],
      },
    ],
  },
];

/** Every query of the dashboard, for checks against /metrics. */
export const grafanaQueries: readonly string[] = rows.flatMap(({ panels }) =>
  panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
);

const source = { type: "prometheus", uid: "${datasource}" };

/** The document to import: Dashboards → New → Import. */
export function grafanaDashboard(): Record<string, unknown> {
  return {
    uid: "hftedge",
    title: "hftedge",
    tags: ["hftedge"],
    timezone: "utc",
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [datasourceVariable, ...labelVariables] },
    panels: layOut(),
  };
}

const datasourceVariable = {
  name: "datasource",
  label: "Source",
  type: "datasource",
  query: "prometheus",
};

const labelVariables = [
  { name: "instance", label: "Box", metric: "hftedge_build_info", multi: true },
  { name: "stage", label: "Stage", metric: "hftedge_stage_duration_seconds_count", multi: false },
].map(({ name, label, metric, multi }) => {
  const everything = { text: "All", value: "$__all" };
  const pipelines = { text: "total_pipeline.cached", value: "total_pipeline.cached" };
  return {
    name,
    label,
    type: "query",
    datasource: source,
    query: `label_values(${metric}, ${name})`,
    definition: `label_values(${metric}, ${name})`,
    refresh: 2,
    multi,
    includeAll: multi,
    current: multi ? everything : pipelines,
  };
});

function layOut(): Record<string, unknown>[] {
  const panels: Record<string, unknown>[] = [];
  let id = 1;
  let y = 0;
  for (const row of rows) {
    const gridPos = { x: 0, y, w: 24, h: 1 };
    panels.push({ id: id++, type: "row", title: row.title, gridPos, panels: [] });
    y++;
    let x = 0;
    let height = 0;
    for (const spec of row.panels) {
      if (x + spec.width > 24) {
        x = 0;
        y += height;
      }
      panels.push(panelOf(spec, id++, x, y));
      x += spec.width;
      ({ height } = spec);
    }
    y += height;
  }
  return panels;
}

function panelOf(spec: PanelSpec, id: number, x: number, y: number): Record<string, unknown> {
  const { title, help, type, unit, queries, width, height } = spec;
  return {
    id,
    type,
    title,
    description: help,
    datasource: source,
    gridPos: { x, y, w: width, h: height },
    fieldConfig: {
      defaults: { unit, ...(unit === "percentunit" ? { min: 0, max: 1 } : {}) },
      overrides: [],
    },
    options: optionsOf(type, unit),
    targets: queries.map(({ expr, legend, format }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: source,
      expr,
      legendFormat: legend,
      format: format ?? "time_series",
    })),
  };
}

function optionsOf(type: PanelSpec["type"], unit: Unit): Record<string, unknown> {
  if (type === "stat") return { graphMode: "area", colorMode: "none" };
  if (type === "heatmap") {
    return { calculate: false, yAxis: { unit }, color: { scheme: "Blues", scale: "exponential" } };
  }
  return { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } };
}
