/**
 * Server-sent events (WHATWG HTML, "Server-sent events") over `fetch`, which can carry a token where
 * EventSource cannot. Reads for ever: a connection that breaks or falls silent is made again.
 * For the dashboard and for the terminal view.
 */

export interface StreamEvent {
  /** "message" where the server names none. */
  event: string;
  data: string;
  id: string;
}

/** An event longer than this is dropped: no honest server sends one. */
const eventCharactersMax = 1 << 20;

/** Turns text as it arrives into events; lines may end in CR, LF or both, anywhere in a chunk. */
export class EventStreamParser {
  /** Reconnection time that the server asked for, ms. */
  retryMs: number | undefined;
  dropped = 0;
  #rest = "";
  #event = "";
  #data: string[] = [];
  #length = 0;
  #id = "";
  #skipLineFeed = false;

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code === 10 && this.#skipLineFeed) {
        this.#skipLineFeed = false;
        start = index + 1;
        continue;
      }
      this.#skipLineFeed = code === 13;
      if (code !== 10 && code !== 13) continue;
      this.#line(this.#rest + text.slice(start, index), events);
      this.#rest = "";
      start = index + 1;
    }
    this.#rest += text.slice(start);
    if (this.#rest.length > eventCharactersMax) {
      this.#rest = "";
      this.#length = Infinity;
    }
    return events;
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    else if (field === "id") this.#id = value;
    else if (field === "retry" && /^\d{1,7}$/.test(value)) this.retryMs = Number(value);
    else if (field === "data") {
      this.#length += value.length;
      if (this.#length <= eventCharactersMax) this.#data.push(value);
    }
  }

  #dispatch(events: StreamEvent[]): void {
    if (this.#length > eventCharactersMax) this.dropped++;
    else if (this.#data.length > 0) {
      const event = this.#event === "" ? "message" : this.#event;
      events.push({ event, data: this.#data.join("\n"), id: this.#id });
    }
    this.#event = "";
    this.#data = [];
    this.#length = 0;
  }
}

export type StreamState =
  | { kind: "connecting" }
  | { kind: "open" }
  /** Tries again after `waitMs`. */
  | { kind: "lost"; reason: string; waitMs: number };

export interface StreamOptions {
  url: string;
  token: string;
  /** No byte for this long, heartbeats included, means that the connection is dead. */
  silenceMs: number;
  signal: AbortSignal;
  /** A connection that was opened before, if there is one left; it must end with the signal. */
  takeOpen?(signal: AbortSignal): Promise<Response> | undefined;
  onEvent(event: StreamEvent): void;
  onState(state: StreamState): void;
}

const waitMsMin = 250;
const waitMsMax = 5000;

/** Follows the stream until the signal; returns then. */
export async function followStream(options: StreamOptions): Promise<void> {
  const { signal, onState } = options;
  let waitMs = waitMsMin;
  while (!signal.aborted) {
    onState({ kind: "connecting" });
    const parser = new EventStreamParser();
    let opened = false;
    const reason = await readOnce(options, parser, () => {
      opened = true;
      onState({ kind: "open" });
    });
    if (signal.aborted) return;
    waitMs = opened ? (parser.retryMs ?? waitMsMin) : Math.min(waitMs * 2, waitMsMax);
    waitMs = Math.min(waitMs, waitMsMax);
    onState({ kind: "lost", reason, waitMs });
    await pause(waitMs, signal);
  }
}

/** One connection, to its end: gives the reason for the end in words. */
async function readOnce(
  options: StreamOptions,
  parser: EventStreamParser,
  onOpen: () => void,
): Promise<string> {
  const { url, token, silenceMs, signal, takeOpen, onEvent } = options;
  const connection = new AbortController();
  const abort = (): void => connection.abort();
  signal.addEventListener("abort", abort, { once: true });
  let silent = false;
  const expire = (): void => {
    silent = true;
    connection.abort();
  };
  let timer = setTimeout(expire, silenceMs);
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (token !== "") headers["authorization"] = `Bearer ${token}`;
    const early = takeOpen?.(connection.signal);
    const response = await (early ?? fetch(url, { headers, signal: connection.signal }));
    if (!response.ok) {
      await response.body?.cancel();
      return refusal(response.status);
    }
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream")) return `the answer is ${type || "of no type"}`;
    onOpen();
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(expire, silenceMs);
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) onEvent(event);
    }
    return "the server ended the stream";
  } catch (error) {
    return silent ? `nothing came for ${silenceMs} ms` : wordsOf(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function refusal(status: number): string {
  if (status === 401 || status === 403) return `HTTP ${status}: the token is missing or wrong`;
  if (status === 503) return "HTTP 503: too many subscribers, or still starting";
  return `HTTP ${status}`;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (code === "ConnectionRefused" || code === "ECONNREFUSED") return "nothing listens there";
  // All that a browser tells of a connection that failed.
  if (error instanceof TypeError) return "the server cannot be reached";
  return error.message.replace(/\.$/, "");
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
