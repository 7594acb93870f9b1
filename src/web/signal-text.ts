/** Signals in words and cells. */
import { duration } from "../unit.ts";
import type { SignalNews } from "./api.ts";
import { element, setAttribute, setText } from "./dom.ts";
import { span } from "./instant.ts";

/** Epoch ns as decimal text → epoch ms. */
export function epochMs(ns: string): number {
  return ns.length > 6 ? Number(ns.slice(0, -6)) : Number.NaN;
}

export function decisionMark(): HTMLElement {
  return element("span", { class: "decision" });
}

/** The shape, the word and the colour of a decision. */
export function setDecision(mark: HTMLElement, decision: string): void {
  setText(mark, decision);
  setAttribute(mark, "data-decision", decision);
}

export function confidenceText(confidence: number): string {
  return Number.isFinite(confidence) ? `${Math.round(confidence * 100)} %` : "-";
}

/** "l1", or for a HOLD that is no answer, why: "stale: gap". */
export function sourceText({ source, reason }: Pick<SignalNews, "source" | "reason">): string {
  return reason === "" || reason === source ? source : `${source}: ${reason}`;
}

/** The time since the signal was emitted; below a second it is "now". */
export function ageText(emittedMs: number, nowMs: number): string {
  const ms = nowMs - emittedMs;
  return ms < 1000 ? "now" : span(ms);
}

export function latencyText({ latencyNs }: Pick<SignalNews, "latencyNs">): string {
  return duration(latencyNs);
}
