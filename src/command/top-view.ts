/** `hftedge top` as lines of text. Pure: a model and a look in, lines out, no wider than the terminal. */
import { byteCount, count, duration, percent } from "../unit.ts";
import { connecting, line, topSorts, type Code, type Span, type TopLook } from "./top-line.ts";
import type { TopModel } from "./top-model.ts";
import { clampOffset, signalLines, sortSignals, stageLines } from "./top-table.ts";

export interface TopFrame {
  /** Exactly as many as the terminal has. */
  lines: string[];
  /** The offset that was used: the one asked for, kept within what there is. */
  offset: number;
}

/** As many signals are shown before the parts of stages are. */
const signalRowsMin = 6;

/** The whole frame. */
export function renderTop(model: TopModel, ownLook: TopLook): TopFrame {
  if (ownLook.help) return { lines: renderHelp(ownLook), offset: ownLook.offset };
  // The run may be on a machine with another time: what it tells of is as old as it says.
  const aheadMs = model.atMs - model.updatedMs;
  const look = Number.isFinite(aheadMs) ? { ...ownLook, nowMs: ownLook.nowMs + aheadMs } : ownLook;
  const ageMs = ownLook.nowMs - model.updatedMs;
  const head = [
    titleLine(model, look),
    ...troubleLines(model, look, ageMs),
    ...totals(model, look),
  ];
  const room = look.lines - 1;
  // Signals are what it is all about: stages beyond the first few give way to them.
  const signalRows = Math.min(model.signals.length, signalRowsMin);
  const stageRows = Math.max(1, room - head.length - signalRows - 4);
  const top = [...head, "", ...stageLines(model, stageRows, look)].slice(0, room);
  // A blank line and the head of the table are worth having only with a row below them.
  const rows = Math.max(0, room - top.length - 2);
  const offset = clampOffset(look.offset, model.signals.length, Math.max(1, rows));
  const shown = sortSignals(model.signals, look.sort).slice(offset, offset + rows);
  const lines = rows > 0 ? [...top, "", ...signalLines(shown, look)] : top;
  while (lines.length < room) lines.push("");
  return { lines: [...lines, keyLine(model, look, offset, shown.length)], offset };
}

function titleLine(model: TopModel, look: TopLook): string {
  const uptime = look.nowMs - model.startedMs;
  const ready = model.readiness;
  const code: Code = ready === "ready" ? "green" : ready === "unknown" ? "dim" : "yellow";
  return line(
    [
      { text: `hftedge ${model.version}`.trim(), code: "bold" },
      { text: `  ${look.address}  ` },
      { text: ready, code },
      { text: Number.isFinite(uptime) ? `  up ${duration(uptime * 1e6)}` : "" },
      { text: look.paused ? "  PAUSED" : "", code: "inverse" },
    ],
    look,
  );
}

const alertsShown = 3;
/** With fewer lines than this only the first alert has one. */
const alertLinesMin = 30;

/** Lost connections, old numbers and open alerts: what must not be overlooked. */
function troubleLines(model: TopModel, look: TopLook, ageMs: number): string[] {
  const lines: string[] = [];
  if (look.trouble === connecting && Number.isNaN(model.updatedMs)) {
    lines.push(line([{ text: "connecting …", code: "dim" }], look));
  } else if (look.trouble !== "") {
    const old = Number.isFinite(ageMs) ? `; what is shown is ${duration(ageMs * 1e6)} old` : "";
    lines.push(line([{ text: `DISCONNECTED: ${look.trouble}${old}`, code: "red" }], look));
  }
  if (model.readiness !== "ready" && model.reasons.length > 0) {
    lines.push(line([{ text: `why: ${model.reasons.join("; ")}`, code: "yellow" }], look));
  }
  const shown = model.alerts.slice(0, look.lines >= alertLinesMin ? alertsShown : 1);
  shown.forEach((alert, index) => {
    const hidden = index === shown.length - 1 ? model.alerts.length - shown.length : 0;
    const more = hidden > 0 ? ` (and ${hidden} more)` : "";
    const times = alert.count === 1 ? "once" : `${count(alert.count)} times`;
    const age = duration(Math.max(0, look.nowMs - alert.openedMs) * 1e6);
    const text = `ALERT ${alert.severity}: ${alert.words}, ${times} in ${age}${more}`;
    lines.push(line([{ text, code: "red" }], look));
  });
  return lines;
}

function totals(model: TopModel, look: TopLook): string[] {
  const { feed, cache, inference, process } = model;
  const lossy = feed.drops > 0 || feed.gaps > 0 || feed.staleChannels > 0;
  const failing = inference.errors > 0 || inference.hostsUp < inference.hosts;
  const rows: Span[][] = [
    [
      { text: `feed       ${count(feed.datagramsPerS)} datagrams/s  ` },
      { text: `${count(feed.messagesPerS)} messages/s  ` },
      {
        text: `drops ${count(feed.drops)}  gaps ${count(feed.gaps)}  stale ${count(feed.staleChannels)} of ${count(feed.channels)}`,
        code: lossy ? "yellow" : undefined,
      },
    ],
    [
      { text: `table      ${percent(cache.l1Share)} at once  ` },
      { text: `${percent(cache.l2Share)} of the rest from disk  ` },
      { text: `${count(cache.missesPerS)} misses/s  ${count(cache.pending)} wait` },
    ],
    [
      { text: `inference  ${inference.model || "-"}  ${count(inference.answersPerS)} answers/s  ` },
      { text: `queued ${count(inference.queued)}  in flight ${count(inference.inFlight)}  ` },
      {
        text: `up ${count(inference.hostsUp)} of ${count(inference.hosts)}  errors ${count(inference.errors)}`,
        code: failing ? "yellow" : undefined,
      },
    ],
    [
      {
        text: `process    memory ${byteCount(process.memoryBytes)}  cpu ${percent(process.cpuShare)}  `,
      },
      {
        text: `store ${byteCount(process.storeBytes)}${process.store === "" ? "" : `, ${process.store}`}`,
      },
    ],
  ];
  return rows.map((spans) => line(spans, look));
}

function keyLine(model: TopModel, look: TopLook, offset: number, shown: number): string {
  const total = model.signals.length;
  const part =
    shown < total && shown > 0
      ? `${offset + 1}–${offset + shown} of ${count(total)}`
      : `${count(total)} of ${count(model.feed.instruments)}`;
  const pause = look.paused ? "space go on" : "space pause";
  const text = ` q quit  ${pause}  s sort: ${look.sort}  ↑↓ scroll  h help  newest ${part}`;
  return line([{ text: text.padEnd(look.columns), code: "inverse" }], look);
}

function renderHelp(look: TopLook): string[] {
  const texts = [
    "Keys",
    "  q, Ctrl-C        quit",
    "  Ctrl-Z           suspend; the shell's fg goes on",
    "  space            pause and go on; the numbers go on arriving meanwhile",
    `  s                sort signals by ${topSorts.join(", ")}`,
    "  ↑ ↓ k j          scroll the signals by one",
    "  PgUp PgDn        scroll by a page",
    "  Home End g G     first and last",
    "  h ?              this help, and back",
    "",
    "~ network_latency while clocks do not agree: only its changes count",
    "! a time above the stage's alert threshold (LIMIT)",
    "Times are those of the last seconds. AGE: since the signal was emitted.",
  ];
  const room = look.lines - 1;
  const frame = texts.slice(0, room).map((text) => line([{ text }], look));
  while (frame.length < room) frame.push("");
  return [
    ...frame,
    line([{ text: " h back   q quit".padEnd(look.columns), code: "inverse" }], look),
  ];
}

/** One line for where there is no terminal. */
export function renderTopPlain(model: TopModel, trouble: string): string {
  if (trouble === connecting) return trouble;
  if (trouble !== "") return `disconnected: ${trouble}`;
  const total = model.stages.find(({ name }) => name.startsWith("total_pipeline"));
  const { feed, cache } = model;
  return [
    model.readiness,
    `${count(feed.datagramsPerS)} datagrams/s`,
    `p50 ${duration(total?.p50Ns ?? Number.NaN)}`,
    `p99 ${duration(total?.p99Ns ?? Number.NaN)}`,
    `hits ${percent(cache.l1Share)}`,
    `drops ${count(feed.drops)}`,
    `gaps ${count(feed.gaps)}`,
    `alerts ${model.alerts.length}`,
  ].join("  ");
}
