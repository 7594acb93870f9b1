/**
 * The questions that wait for a free slot of a server: bounded, one for each state, ordered by how
 * many instruments wait and how recently the state was entered.
 *
 * When it is full the least wanted question goes, and between equals the older: the newest wins,
 * because the market has left the others behind. Capacities are a few hundred, so an array that is
 * scanned costs less than a heap whose keys change with every tick.
 */
export interface Question {
  /** Canonical text of the state's key: a question is asked once, however it was come by. */
  text: string;
  key: Uint32Array;
  /** The state's index in a finite space, else 0. */
  index: number;
  /** Slot of the pending table and the version it was seen with; slot -1: nobody waits (warming). */
  slot: number;
  version: number;
  /** An answer stands, and is to be renewed: whoever has none goes first. */
  refresh: boolean;
  waiting: number;
  /** ms of the run at which the state was last entered, and at which we first saw it waiting. */
  lastSeenMs: number;
  admittedMs: number;
}

/** Negative when `a` is to be asked before `b`. */
export function byUrgency(a: Question, b: Question): number {
  if (a.refresh !== b.refresh) return a.refresh ? 1 : -1;
  return b.waiting - a.waiting || b.lastSeenMs - a.lastSeenMs;
}

export class Queue {
  readonly capacity: number;
  readonly #questions: Question[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#questions.length;
  }

  /** The question that found no room, which may be the offered one itself; null when all fit. */
  offer(question: Question): Question | null {
    const questions = this.#questions;
    if (questions.length < this.capacity) {
      questions.push(question);
      return null;
    }
    let least = 0;
    for (let i = 1; i < questions.length; i++) {
      if (byUrgency(questions[least]!, questions[i]!) < 0) least = i;
    }
    if (questions.length === 0 || byUrgency(question, questions[least]!) > 0) return question;
    const shed = questions[least]!;
    questions[least] = question;
    return shed;
  }

  /** Takes out the most wanted question; null when there is none. */
  take(): Question | null {
    const questions = this.#questions;
    if (questions.length === 0) return null;
    let most = 0;
    for (let i = 1; i < questions.length; i++) {
      if (byUrgency(questions[i]!, questions[most]!) < 0) most = i;
    }
    return this.#removeAt(most);
  }

  /** Takes out every question for which `leaves` holds, and hands it over. */
  sift(leaves: (question: Question) => boolean, take: (question: Question) => void): void {
    for (let i = this.#questions.length - 1; i >= 0; i--) {
      if (leaves(this.#questions[i]!)) take(this.#removeAt(i));
    }
  }

  #removeAt(index: number): Question {
    const questions = this.#questions;
    const taken = questions[index]!;
    const last = questions.pop()!;
    if (index < questions.length) questions[index] = last;
    return taken;
  }
}
