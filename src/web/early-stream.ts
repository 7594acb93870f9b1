/** The first connection of the stream, made by one script of the page and taken over by the other. */
import { readToken } from "./api.ts";

export const streamPath = "/api/v1/stream";

interface Early {
  response: Promise<Response>;
  connection: AbortController;
}

declare global {
  var hftedgeEarly: Early | undefined;
}

export function openEarly(): void {
  const connection = new AbortController();
  const token = readToken();
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (token !== "") headers["authorization"] = `Bearer ${token}`;
  const response = fetch(streamPath, { headers, signal: connection.signal });
  // Whoever takes it over hears of a failure; nobody may.
  response.catch(() => {});
  globalThis.hftedgeEarly = { response, connection };
}

/** The early connection, once; it ends with the signal. */
export function takeEarly(signal: AbortSignal): Promise<Response> | undefined {
  const early = globalThis.hftedgeEarly;
  globalThis.hftedgeEarly = undefined;
  if (early === undefined) return undefined;
  signal.addEventListener("abort", () => early.connection.abort(), { once: true });
  return early.response;
}
