/** The words of every finding, in one table: what it is called, why it matters, what to do. */
import { machineAdvice } from "./advice-machine.ts";
import { serviceAdvice } from "./advice-service.ts";

export interface Advice {
  title: string;
  why: string;
  /** A command line; {name} stands for one of the finding's values, as one word of a shell. */
  remedy: string;
  /** Command lines for circumstances in which the usual one would not help, or would harm. */
  remedyWhen?: Readonly<Record<string, string>>;
}

export const advice = { ...machineAdvice, ...serviceAdvice } as const satisfies Record<
  string,
  Advice
>;

export type FindingId = keyof typeof advice;
