import { z } from "zod";
import { parseFeedLine, type Parsed } from "../address.ts";
import { parsedString, parsedStringOrNone } from "../parsed-string.ts";
import { recoveryOptions } from "../recovery-option.ts";

const feedFormats = ["tick", "itch50", "iex", "pitch"] as const;

function parseTimeZone(text: string): Parsed<string> {
  try {
    return { value: new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone };
  } catch {
    return { reason: "is not a time zone of the IANA database" };
  }
}

function parseDate(text: string): Parsed<string> {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const valid = match !== null && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
  return valid ? { value: text } : { reason: "is not a date like 2026-01-30" };
}

const symbol = z
  .string()
  .regex(/^[\x21-\x7e]{1,16}$/, "is not a symbol of 1 to 16 printable ASCII characters");

/** One [[feed]]: a source of market data. Strings that may be empty use "" for "none". */
export const feedSection = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, "is not 1 to 32 of a-z, 0-9, - and _")
    .default("tick")
    .describe("Name of the feed in signals, metrics and the HTTP API.")
    .meta({ defaultText: "its format" }),
  format: z.enum(feedFormats).default("tick").describe("Wire format of the datagrams."),
  lines: z
    .array(parsedString(parseFeedLine))
    .min(1)
    .max(4)
    .default(["udp://127.0.0.1:26400"])
    .describe(
      "Addresses that carry the same datagrams (A and B lines); ?interface=NAME and, for source-specific multicast, &source=ADDRESS.",
    ),
  ...recoveryOptions,
  symbols: z
    .array(symbol)
    .max(65_536)
    .default([])
    .describe("The only symbols to follow; empty for all.")
    .meta({ reload: true }),
  silenceMs: z
    .int()
    .min(10)
    .max(86_400_000)
    .default(3000)
    .describe(
      "No datagram or heartbeat for this long makes the channel stale and holds its signals.",
    )
    .meta({ unit: "ms", reload: true }),
  partialBooks: z
    .boolean()
    .default(false)
    .describe("Use order books joined in mid-session, whose older orders are unknown."),
  priceDecimals: z
    .int()
    .min(0)
    .max(9)
    .default(4)
    .describe("Decimals that prices of a tick feed are kept with."),
  tickSize: z
    .number()
    .positive()
    .max(1_000_000)
    .default(0.01)
    .describe("Smallest price step of a symbol that tickSizes does not name.")
    .meta({ unit: "currency" }),
  tickSizes: z
    .record(symbol, z.number().positive().max(1_000_000))
    .default({})
    .describe("Smallest price step per symbol.")
    .meta({ unit: "currency" }),
  timestampUnit: z
    .enum(["s", "ms", "us", "ns"])
    .default("ms")
    .describe(
      "Unit of a tick feed's timestamps, which count from 1970 and lie within 104 days of date.",
    ),
  date: parsedStringOrNone(parseDate)
    .default("")
    .describe("Trading date whose midnight the feed's times count from; empty for today."),
  timeZone: parsedString(parseTimeZone)
    .default("America/New_York")
    .describe("Time zone of the feed's midnight."),
  receive: z
    .enum(["event", "poll"])
    .default("event")
    .describe(
      "How datagrams are received: by the event loop, or by a thread that spins on a core of its own.",
    ),
  receiveBufferBytes: z
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .default(33_554_432)
    .describe("Socket receive buffer to ask for; what the kernel grants is read back.")
    .meta({ unit: "bytes" }),
  busyPollUs: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe("Let the kernel poll the network card this long in a read (SO_BUSY_POLL); 0 for off.")
    .meta({ unit: "us" }),
  shareAddress: z
    .boolean()
    .default(false)
    .describe("Let other processes bind the same address; multicast groups always do."),
  ack: z
    .boolean()
    .default(false)
    .describe("Report the datagrams read to their sender, so that a replay can pace itself."),
});
