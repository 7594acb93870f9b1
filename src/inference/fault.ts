/**
 * What can go wrong between a question and its answer. The kinds are few, because each one stands
 * for something that is handled in its own way; the message keeps the server's own words.
 */
export const faultKinds = [
  /** Nobody listens at the address. */
  "refused",
  /** The connection broke before the whole answer was here: a crash, a restart, a cut. */
  "cut",
  /** We gave up on a request that never ended, long after its deadline. */
  "hung",
  /** 404: the server does not have the model. */
  "no-model",
  /** 503: the server's queue is full, which it is only while a model loads. */
  "busy",
  /** 400 and its kind: the server refuses the request's shape. */
  "refused-request",
  /** 5xx, or an error in mid-stream under status 200: the server or its runner failed. */
  "server",
  /** The answer is not JSON, or larger than any answer may be. */
  "garbage",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export class InferenceFault extends Error {
  readonly kind: FaultKind;
  /** The HTTP status, or 0 where there was none. */
  readonly status: number;

  constructor(kind: FaultKind, status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "InferenceFault";
    this.kind = kind;
    this.status = status;
  }
}

export function faultOfStatus(status: number, message: string): InferenceFault {
  if (status === 404) return new InferenceFault("no-model", status, message);
  if (status === 503) return new InferenceFault("busy", status, message);
  if (status >= 500 || status === 499) return new InferenceFault("server", status, message);
  return new InferenceFault("refused-request", status, message);
}

/** What `fetch` throws, by the code that the runtime gives it. */
export function faultOfError(error: unknown): InferenceFault {
  if (error instanceof InferenceFault) return error;
  const { name, code, message } = error as { name?: string; code?: unknown; message?: string };
  const words = message ?? String(error);
  if (name === "AbortError" || name === "TimeoutError") {
    return new InferenceFault("hung", 0, "gave up waiting for an answer", error);
  }
  if (code === "ECONNREFUSED" || code === "ConnectionRefused" || code === "ENOTFOUND") {
    return new InferenceFault("refused", 0, words, error);
  }
  if (error instanceof SyntaxError) return new InferenceFault("garbage", 0, words, error);
  return new InferenceFault("cut", 0, words, error);
}
