import { z } from "zod";

/** [log]: the words on stderr. */
export const logSection = z.strictObject({
  level: z
    .enum(["error", "warn", "info", "debug"])
    .default("info")
    .describe("Least severe message that is written."),
  format: z
    .enum(["text", "json"])
    .default("text")
    .describe("Form of a message: a line for people, or a JSON object a line."),
});
