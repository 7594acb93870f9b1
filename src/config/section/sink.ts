import { z } from "zod";
import { parseSinkUrl } from "../address.ts";
import { parsedString } from "../parsed-string.ts";

/** One [[sink]]: where signals go. A list in the file replaces the default sink. */
export const sinkSection = z.strictObject({
  url: parsedString(parseSinkUrl)
    .default("stdout://")
    .describe(
      "Target: stdout:// for one JSON object a line, or udp://HOST:PORT with ?encoding=binary (default) or json and &interface=NAME.",
    ),
  heartbeatMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(1000)
    .describe(
      "A heartbeat after this long without a signal, so that silence means trouble; 0 for none.",
    )
    .meta({ unit: "ms" }),
});
