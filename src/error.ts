/**
 * The one class for operational failures: what the world did wrong, not what we did.
 * Bad bytes on the wire are never thrown (they are a code and a counter), and a programmer's
 * mistake is an `assert`.
 */
export class EdgeError extends Error {
  /** A stable upper-case word that scripts may match, e.g. "CONFIG_INVALID" or "PORT_IN_USE". */
  readonly code: string;
  /** What the operator can do about it: one sentence, ideally with a command. */
  readonly hint: string;

  constructor(code: string, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "EdgeError";
    this.code = code;
    this.hint = hint;
  }
}

/** Throws for a state that only a mistake in this program can bring about. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
