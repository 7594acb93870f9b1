/** One fault of the table: what is done to the program, what it promises, what was seen. */
export interface Fault {
  name: string;
  /** How it is brought about. */
  injected: string;
  /** What the program promises under it. */
  promised: string;
  /** Why it cannot be brought about here; the row then says so. */
  skip?: string | undefined;
  /** Most time that it may take. */
  limitMs?: number;
  /** Brings it about and says in words what was seen; throws when the promise does not hold. */
  provoke(): Promise<string>;
}

export class BrokenPromiseError extends Error {}

/** The promise holds, or the row fails with these words. */
export function promise(holds: boolean, words: string): void {
  if (!holds) throw new BrokenPromiseError(words);
}

/** "12 ms" below a second, else "1.2 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.ceil(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
