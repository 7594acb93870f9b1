import { z } from "zod";
import { parseHostPort } from "../address.ts";
import { parsedStringOrNone } from "../parsed-string.ts";

/** [http]: the read-only API, the dashboard, /metrics and the health checks. */
export const httpSection = z.strictObject({
  listen: parsedStringOrNone(parseHostPort)
    .default("127.0.0.1:8080")
    .describe("Address to serve on, as HOST:PORT; port 0 for a free one, empty to serve nothing."),
  token: z
    .string()
    .regex(/^(?:[\x21-\x7e]{16,256})?$/, "is not 16 to 256 printable characters without spaces")
    .default("")
    .describe(
      "Bearer token that requests must carry; needed where listen is not a loopback address.",
    )
    .meta({ secret: true }),
  tokenFile: z
    .string()
    .default("")
    .describe("File that holds the token, instead of token; empty for none."),
  allowedHosts: z
    .array(z.string().min(1).max(253))
    .max(64)
    .default([])
    .describe("Host names that requests may use besides the listening address and localhost."),
  bodyLimitBytes: z
    .int()
    .min(1024)
    .max(16_777_216)
    .default(65_536)
    .describe("Largest request body.")
    .meta({ unit: "bytes" }),
  ratePerSecond: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe("Most requests a second of one address; twice as many at once.")
    .meta({ unit: "requests/s" }),
  connectionsMax: z
    .int()
    .min(16)
    .max(1_000_000)
    .default(1024)
    .describe("Most connections beside event streams; beyond, none are taken until half are over."),
  subscribersMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe("Most event-stream subscribers at a time."),
  queriesMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe("Most questions to the history that wait at a time; further ones are told to retry."),
  pointsMax: z
    .int()
    .min(100)
    .max(1_000_000)
    .default(11_000)
    .describe("Most points in one answer of a time series."),
});

export type HttpConfig = z.output<typeof httpSection>;
