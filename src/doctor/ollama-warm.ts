/**
 * A few requests to a model that is already loaded, in the run's own shape: what a miss pays before
 * the model starts to think, and whether the instructions of a prompt are kept between requests.
 */
import type { OllamaNeeds, ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { readBounded } from "./ollama-state.ts";
import { duration } from "../unit.ts";

const requests = 3;
const requestTimeoutMs = 5000;
/** About 300 tokens, enough for reading them to take visibly longer than finding them kept. */
const prompt = `${"The spread is one tick and the book leans to the bid. ".repeat(24)}Answer BUY, SELL or HOLD:`;

interface Times {
  totalNs: number;
  loadNs: number;
  promptNs: number;
}

async function request(context: ProbeContext, host: string, needs: OllamaNeeds): Promise<Times> {
  const response = await context.fetch(`${host}/api/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(needs.body(prompt)),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  const text = await readBounded(response);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${text.slice(0, 120).trim()}`);
  // An error in mid-stream comes with status 200, as the last line.
  const answer = JSON.parse(text.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
  if (typeof answer["error"] === "string") throw new Error(answer["error"]);
  const ns = (name: string): number => {
    const value = answer[name];
    return typeof value === "number" ? value : 0;
  };
  return {
    totalNs: ns("total_duration"),
    loadNs: ns("load_duration"),
    promptNs: ns("prompt_eval_duration"),
  };
}

export async function warmRequests(
  context: ProbeContext,
  host: string,
  needs: OllamaNeeds,
): Promise<Outcome[]> {
  const times: Times[] = [];
  try {
    for (let index = 0; index < requests; index++) times.push(await request(context, host, needs));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      finding(
        "ollama.warm",
        "warning",
        `A request failed: ${reason}.`,
        { requests: times.length },
        host,
      ),
    ];
  }
  const warm = times.slice(1);
  const loadNs = Math.min(...warm.map((time) => time.loadNs));
  const totalNs = Math.min(...warm.map((time) => time.totalNs));
  const firstNs = times[0]?.promptNs ?? 0;
  const againNs = Math.min(...warm.map((time) => time.promptNs));
  const outcomes: Outcome[] = [
    finding(
      "ollama.warm",
      severityAbove(loadNs, 20e6, 80e6),
      `${duration(loadNs)} before the model starts, ${duration(totalNs)} in all (best of ${warm.length}).`,
      { loadNs, totalNs },
      host,
    ),
  ];
  if (firstNs === 0 || againNs === 0) {
    return [
      ...outcomes,
      notApplicable("ollama.prompt-cache", "it does not tell the prompt's time", host),
    ];
  }
  // A first time that is already short means that the same examination ran a moment ago.
  const kept = againNs < firstNs / 2 || againNs < 5e6;
  return [
    ...outcomes,
    finding(
      "ollama.prompt-cache",
      kept ? "ok" : "note",
      `A prompt took ${duration(firstNs)} to read, and ${duration(againNs)} when it came again.`,
      { firstNs, againNs },
      host,
    ),
  ];
}
