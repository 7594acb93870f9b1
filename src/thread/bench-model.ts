/** How long the configured model takes to answer, where it is loaded. */
import type { Config } from "../config/schema.ts";
import { systemClock } from "../doctor/context.ts";
import { readBounded } from "../doctor/ollama-state.ts";
import { machineNeeds } from "./machine-need.ts";

export type ModelLatency =
  | { measured: false; why: string }
  | { measured: true; host: string; model: string; requests: number; p50Ms: number; maxMs: number };

const askMs = 1000;
const requestMs = 5000;
const requests = 8;
const prompt = "The spread is one tick and the book leans to the bid. Answer BUY, SELL or HOLD:";

/** Asks nothing of a model that is not in memory: a request would load it, and take minutes. */
export async function measureModel(config: Config): Promise<ModelLatency> {
  const needs = machineNeeds({ config, dataDirectory: "", file: null }, []).ollama;
  if (needs === undefined) return { measured: false, why: "inference.engine is not ollama" };
  const [host = ""] = needs.hosts;
  try {
    const answer = await fetch(`${host}/api/ps`, { signal: AbortSignal.timeout(askMs) });
    const { models = [] } = JSON.parse(await readBounded(answer)) as {
      models?: { name: string }[];
    };
    const wanted = needs.model.includes(":") ? needs.model : `${needs.model}:latest`;
    if (!models.some(({ name }) => name === wanted)) {
      return { measured: false, why: `${wanted} is not loaded on ${host}` };
    }
  } catch {
    return { measured: false, why: `Ollama does not answer on ${host}` };
  }
  const times: number[] = [];
  try {
    for (let i = 0; i < requests; i++) {
      const beganNs = systemClock.nowNs();
      const response = await fetch(`${host}/api/generate`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(needs.body(prompt)),
        signal: AbortSignal.timeout(requestMs),
      });
      await readBounded(response);
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      times.push((systemClock.nowNs() - beganNs) / 1e6);
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { measured: false, why: `a request to ${host} failed: ${words}` };
  }
  const sorted = times.toSorted((a, b) => a - b);
  const p50Ms = sorted[Math.floor(sorted.length / 2)]!;
  return { measured: true, host, model: needs.model, requests, p50Ms, maxMs: sorted.at(-1)! };
}
