import { z } from "zod";
import { parseServerUrl, parseTcpUrl } from "./address.ts";
import { parsedStringOrNone } from "./parsed-string.ts";

/** Options of a [[feed]] about messages that are missing. */
export const recoveryOptions = {
  rerequest: parsedStringOrNone(parseServerUrl)
    .default("")
    .describe("Retransmission server that fills gaps, as udp://HOST:PORT; empty for none."),
  snapshot: parsedStringOrNone(parseTcpUrl)
    .default("")
    .describe(
      "GLIMPSE server whose snapshot heals lost messages and a join in mid-session, as tcp://HOST:PORT; empty for none.",
    ),
  snapshotUser: z
    .string()
    .regex(/^[\x20-\x7e]{0,6}$/, "is not up to 6 printable ASCII characters")
    .default("")
    .describe("User name for the snapshot server."),
  snapshotPassword: z
    .string()
    .regex(/^[\x20-\x7e]{0,10}$/, "is not up to 10 printable ASCII characters")
    .default("")
    .describe("Password for the snapshot server.")
    .meta({ secret: true }),
  snapshotTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe("A snapshot that takes longer is given up.")
    .meta({ unit: "ms" }),
  snapshotAttempts: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe("Attempts to get a snapshot for one loss."),
  snapshotRetryMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(500)
    .describe("Wait before the second attempt; it doubles with each further one.")
    .meta({ unit: "ms" }),
  holdUs: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(500)
    .describe(
      "How long a gap waits for reordered datagrams and the other line; 0 gives it up at once, unasked.",
    )
    .meta({ unit: "us" }),
  holdDatagrams: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1024)
    .describe("For how many datagrams behind it a gap waits for reordered ones at most.")
    .meta({ unit: "datagrams" }),
  reorderDatagrams: z
    .int()
    .min(1)
    .max(65_536)
    .default(2048)
    .describe("Datagrams behind a gap that are kept until it is filled.")
    .meta({ unit: "datagrams" }),
  reorderBytes: z
    .int()
    .min(512)
    .max(65_536)
    .default(2048)
    .describe("Room for each of them; a longer one cannot wait.")
    .meta({ unit: "bytes" }),
  requestsMax: z
    .int()
    .min(1)
    .max(1000)
    .default(6)
    .describe("Unanswered retransmission requests for one gap before it is given up."),
  requestTimeoutMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(10)
    .describe("How long the answer to a request may take; each next one has twice as long.")
    .meta({ unit: "ms" }),
  requestMessages: z
    .int()
    .min(1)
    .max(65_534)
    .default(1000)
    .describe("Messages asked for in one request.")
    .meta({ unit: "messages" }),
  requestGapMessages: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(50_000)
    .describe("A larger gap is not asked for at all.")
    .meta({ unit: "messages" }),
  giveUpMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(2000)
    .describe("After this long a gap is given up, whatever was asked for.")
    .meta({ unit: "ms" }),
} as const;
