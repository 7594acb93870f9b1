import { z } from "zod";
import type { Parsed } from "./address.ts";

/** A string option that a parser of ours must accept; its reason becomes the mistake's. */
export function parsedString(parse: (text: string) => Parsed<unknown>) {
  return z.string().superRefine((text, context) => {
    const parsed = parse(text);
    if ("reason" in parsed) context.addIssue({ code: "custom", message: parsed.reason });
  });
}

/** As `parsedString`, where the empty string means "none". */
export function parsedStringOrNone(parse: (text: string) => Parsed<unknown>) {
  return parsedString((text) => (text === "" ? { value: null } : parse(text)));
}
