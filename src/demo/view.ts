/**
 * What a person sees of a run: a live table and a summary at the end. Pure: a snapshot in, text out.
 * `LiveView` puts it on a terminal, in place, or as one plain line a second where there is none.
 */
import { count, decimal, duration, percent } from "../unit.ts";

export type ViewDecision = "BUY" | "SELL" | "HOLD" | "-";

export interface ViewRow {
  symbol: string;
  /** In the feed's currency; NaN where there is none. */
  bid: number;
  ask: number;
  /** The market state in words. */
  state: string;
  decision: ViewDecision;
  /** 0 to 1. */
  confidence: number;
  source: string;
  /** Age of the answer in ns; NaN where there is none. */
  ageNs: number;
}

export interface ViewSnapshot {
  elapsedMs: number;
  datagrams: number;
  messages: number;
  signals: { buy: number; sell: number; hold: number };
  rows: readonly ViewRow[];
  /** Kernel receive to signal; NaN where nothing was measured yet. */
  latencyNs: { p50: number; p99: number; p999: number; max: number };
  /** Share of look-ups that the table answered, 0 to 1, or NaN. */
  hitRate: number;
  gaps: number;
  /** Datagrams that the kernel dropped because the receive buffer was full. */
  drops: number;
}

export interface ViewLook {
  columns: number;
  /** Lines that the terminal has; rows beyond it are told of, not drawn. */
  lines: number;
  colour: boolean;
}

const colours = { BUY: 32, SELL: 31, HOLD: 90, "-": 90, title: 1, warning: 33 } as const;

function paint(text: string, colour: number, look: ViewLook): string {
  return look.colour ? `\x1b[${colour}m${text}\x1b[0m` : text;
}

/** The live table: a line of totals, a line of latency, and one row an instrument. */
export function renderFrame(
  now: ViewSnapshot,
  before: ViewSnapshot | null,
  look: ViewLook,
): string[] {
  const frame = [paint(fit(totalsLine(now, before), look.columns), colours.title, look)];
  const trouble = now.gaps > 0 || now.drops > 0;
  const health = fit(healthLine(now), look.columns);
  frame.push(trouble ? paint(health, colours.warning, look) : health);
  const room = Math.max(0, look.lines - 5);
  const shown = now.rows.slice(0, now.rows.length > room ? Math.max(0, room - 1) : room);
  if (shown.length > 0) {
    frame.push("", fit(tableHead, look.columns));
    for (const row of shown) frame.push(tableRow(row, look));
  }
  const hidden = now.rows.length - shown.length;
  if (hidden > 0) frame.push(fit(`… and ${count(hidden)} more instruments`, look.columns));
  return frame;
}

/** Totals and rates since the snapshot before, in one plain line. */
export function renderPlain(now: ViewSnapshot, before: ViewSnapshot | null): string {
  return `${totalsLine(now, before)}  ${healthLine(now)}`;
}

/** What a run did, at its end. */
export function renderSummary(now: ViewSnapshot): string[] {
  const { signals, latencyNs } = now;
  const seconds = now.elapsedMs / 1000;
  const perSecond = (n: number): string => (seconds > 0 ? `${count(n / seconds)}/s` : "-");
  return [
    `Ran for ${duration(now.elapsedMs * 1e6)}.`,
    `  market data  ${count(now.datagrams)} datagrams (${perSecond(now.datagrams)}), ${count(now.messages)} messages (${perSecond(now.messages)})`,
    `  signals      ${count(signals.buy)} BUY, ${count(signals.sell)} SELL, ${count(signals.hold)} HOLD`,
    `  latency      p50 ${duration(latencyNs.p50)}, p99 ${duration(latencyNs.p99)}, p99.9 ${duration(latencyNs.p999)}, max ${duration(latencyNs.max)} from kernel to signal`,
    `  table        ${percent(now.hitRate)} of look-ups answered at once`,
    now.gaps === 0 && now.drops === 0
      ? "  losses       none"
      : `  losses       ${count(now.gaps)} gaps, ${count(now.drops)} datagrams dropped by the kernel`,
  ];
}

function totalsLine(now: ViewSnapshot, before: ViewSnapshot | null): string {
  const { buy, sell, hold } = now.signals;
  const spanMs = now.elapsedMs - (before?.elapsedMs ?? 0);
  const rate = spanMs > 0 ? ((now.datagrams - (before?.datagrams ?? 0)) / spanMs) * 1000 : 0;
  return (
    `${duration(now.elapsedMs * 1e6)}  ${count(now.datagrams)} datagrams (${count(rate)}/s)  ` +
    `${count(now.messages)} messages  BUY ${count(buy)}  SELL ${count(sell)}  HOLD ${count(hold)}`
  );
}

function healthLine({ latencyNs, hitRate, gaps, drops }: ViewSnapshot): string {
  return (
    `p50 ${duration(latencyNs.p50)}  p99 ${duration(latencyNs.p99)}  p99.9 ${duration(latencyNs.p999)}  ` +
    `max ${duration(latencyNs.max)}  hits ${percent(hitRate)}  gaps ${count(gaps)}  drops ${count(drops)}`
  );
}

const symbolWidth = 8;
const tableHead = "SYMBOL         BID        ASK  SIGNAL   CONF  SOURCE        AGE  STATE";

function tableRow(row: ViewRow, look: ViewLook): string {
  const left = [
    row.symbol.slice(0, symbolWidth).padEnd(symbolWidth),
    decimal(row.bid).padStart(10),
    " ",
    decimal(row.ask).padStart(10),
    "  ",
  ].join("");
  const signal = row.decision.padEnd(6);
  const conf = row.decision === "-" ? "-" : `${Math.round(row.confidence * 100)} %`;
  const right = [
    conf.padStart(7),
    "  ",
    row.source.slice(0, 7).padEnd(7),
    duration(row.ageNs).padStart(10),
    "  ",
    row.state,
  ].join("");
  const line = fit(left + signal + right, look.columns);
  // The colour goes on after the cut, so that no escape sequence is ever cut in half.
  if (!look.colour || line.length < left.length + signal.length) return line;
  return (
    line.slice(0, left.length) +
    paint(signal, colours[row.decision], look) +
    line.slice(left.length + signal.length)
  );
}

function fit(text: string, columns: number): string {
  const line = text.trimEnd();
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
