/** Where `hftedge query` gets its answers: a service over HTTP, or the history's file. */
import { join } from "node:path";
import { EdgeError } from "../error.ts";
import { createHistoryApp } from "../http/history-app.ts";
import { HistoryReader } from "../store/query.ts";
import { historyFile } from "../thread/plan.ts";

export interface Answers extends Disposable {
  /** Path and query of the API → the reply, which is no error. Throws EdgeError. */
  get(path: string): Promise<Response>;
}

const waitMs = 30_000;

/** Straight from the file, read-only: also while the service runs, and without its HTTP. */
export function answersFromFile(dataDirectory: string, pointsMax: number): Answers {
  const reader = new HistoryReader(join(dataDirectory, historyFile));
  const app = createHistoryApp(reader, Date.now, pointsMax);
  return {
    get: async (path) => await accept(await app.request(path)),
    [Symbol.dispose]: () => reader.close(),
  };
}

export function answersFromService(url: string, token: string): Answers {
  const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
  return {
    async get(path) {
      let response: Response;
      try {
        response = await fetch(new URL(path, url), {
          headers,
          signal: AbortSignal.timeout(waitMs),
        });
      } catch (error) {
        throw new EdgeError(
          "SERVICE_UNREACHABLE",
          `${url} does not answer: ${(error as Error).message}`,
          "Check the address and that the service runs, or leave --url out to read its file.",
          error,
        );
      }
      return await accept(response);
    },
    [Symbol.dispose]: () => {},
  };
}

/** A problem document becomes an error in its own words. */
async function accept(response: Response): Promise<Response> {
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  throw new EdgeError(
    text(body["code"], `HTTP_${response.status}`),
    text(body["detail"], `the service answered with HTTP ${response.status}`),
    text(body["hint"], ""),
  );
}

function text(value: unknown, other: string): string {
  return typeof value === "string" ? value : other;
}
