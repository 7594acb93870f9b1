/** Where `hftedge query` gets its answers: a service over HTTP, or the history's file. */
import { join } from "node:path";
import { EdgeError } from "../error.ts";
import { createHistoryApp } from "../http/history-app.ts";
import { HistoryReader } from "../store/query.ts";
import { historyFile } from "../thread/plan.ts";

export interface Answers extends Disposable {
  /** Path and query of the API → the text of the reply, which is no error. Throws EdgeError. */
  get(path: string): Promise<string>;
}

const waitMs = 30_000;

/** Straight from the file, read-only: also while the service runs, and without its HTTP. */
export function answersFromFile(dataDirectory: string, pointsMax: number): Answers {
  const reader = new HistoryReader(join(dataDirectory, historyFile));
  const app = createHistoryApp(reader, Date.now, pointsMax);
  return {
    async get(path) {
      const response = await app.request(path);
      return accepted(response, await response.text());
    },
    [Symbol.dispose]: () => reader.close(),
  };
}

export function answersFromService(url: string, token: string): Answers {
  const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
  return {
    async get(path) {
      try {
        const signal = AbortSignal.timeout(waitMs);
        const response = await fetch(new URL(path, url), { headers, signal });
        return accepted(response, await response.text());
      } catch (error) {
        if (error instanceof EdgeError) throw error;
        throw new EdgeError(
          "SERVICE_UNREACHABLE",
          `${url} does not answer: ${(error as Error).message}`,
          "Check the address and that the service runs, or leave --url out to read its file.",
          error,
        );
      }
    },
    [Symbol.dispose]: () => {},
  };
}

/** Throws EdgeError SERVICE_FOREIGN for an answer that hftedge would not give. */
export function parseAnswer<T>(text: string): T {
  const body = parsed(text);
  if (typeof body === "object" && body !== null) return body as T;
  throw new EdgeError(
    "SERVICE_FOREIGN",
    "the answer is not JSON: something else than hftedge answers at this address",
    "Give --url the address of http.listen, as HOST:PORT.",
  );
}

/** A problem document becomes an error in its own words. */
function accepted(response: Response, body: string): string {
  if (response.ok) return body;
  const problem = (parsed(body) ?? {}) as Record<string, unknown>;
  throw new EdgeError(
    word(problem["code"], `HTTP_${response.status}`),
    word(problem["detail"], `the service answered with HTTP ${response.status}`),
    word(problem["hint"], ""),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function word(value: unknown, other: string): string {
  return typeof value === "string" ? value : other;
}
