/** Percentiles as parameters and as names of fields. */
import { z } from "zod";
import { ParameterError } from "./parameter.ts";

export const percentileDefault = [50, 95, 99, 99.9] as const;
const percentilesMax = 20;

export const percentileParameter = z
  .string()
  .max(200)
  .describe("Comma-separated, each 0 to 100, at most 20. Default: 50,95,99,99.9.");

/** Ascending and without repetition. Throws ParameterError. */
export function parsePercentiles(text: string | undefined): number[] {
  if (text === undefined) return [...percentileDefault];
  const values = text.split(",").map((part) => {
    const word = part.trim();
    return /^\d{1,3}(?:\.\d{1,6})?$/.test(word) ? Number(word) : Number.NaN;
  });
  if (values.some((value) => !(value >= 0 && value <= 100))) {
    const hint = "Write percentiles=50,99,99.9.";
    throw new ParameterError("percentiles", "has one that is not between 0 and 100", hint);
  }
  const unique = [...new Set(values)].toSorted((a, b) => a - b);
  if (unique.length <= percentilesMax) return unique;
  throw new ParameterError("percentiles", `has more than ${percentilesMax}`);
}

/** 99.9 → "p999Ns", 5 → "p5Ns", 0.5 → "p0_5Ns": below 10 the dot stays visible. */
export function percentileField(percent: number): string {
  const text = String(percent);
  return `p${percent >= 10 ? text.replace(".", "") : text.replace(".", "_")}Ns`;
}
