import { z } from "zod";
import { nsOrNull, share } from "./schema.ts";

const counts = z.record(z.string(), z.number());

const networkInterface = z.object({
  name: z.string().describe("Empty where it cannot be told."),
  state: z.string().describe("In words."),
  perS: counts.describe("What its drop counters rose by in the last second."),
  totals: counts.describe("... and since the start; those that the interface has."),
});
export type InterfaceBody = z.output<typeof networkInterface>;

const recovery = z.object({
  channels: z.number().describe("Units or sessions heard of, at least one."),
  staleChannels: z.number().describe("Those that are stale: gap, silence or end of session."),
  sequence: z.number().describe("Of the last message applied."),
  waiting: z.boolean().describe("Messages are missing that may still come."),
  broken: z.boolean().describe("Messages are lost for good, and nothing has healed that yet."),
  gaps: z.number().describe("Gaps that have ended, however."),
  requests: z.number().describe("Retransmission requests."),
  snapshots: z.number().describe("Snapshots that replaced the books."),
  lastGap: z
    .object({
      from: z.number().describe("First missing sequence."),
      to: z.number().describe("The one after the last."),
      end: z.string().describe("line, retransmission, snapshot, lost or superseded."),
      lastedNs: z.number(),
    })
    .nullable(),
  lines: z
    .array(
      z.object({
        answers: z.boolean().describe("Of the retransmission server, rather than a line."),
        datagrams: z.number(),
        wins: z.number().describe("Datagrams that it was the first to bring."),
        duplicates: z.number(),
        late: z.number().describe("Datagrams behind one with a higher sequence of the same line."),
        lost: z.number().describe("Messages missing from its own sequence."),
        behindMeanNs: z
          .number()
          .nullable()
          .describe("How far its duplicates came after the winner."),
        behindMaxNs: z.number().nullable(),
        drops: z.number().nullable().describe("Dropped by the kernel; null where it is not told."),
      }),
    )
    .describe("In the order of the addresses; the last one is of answers to requests."),
});

export const feedSchema = z
  .object({
    feeds: z.array(
      z.object({
        name: z.string(),
        format: z.string(),
        lines: z.array(z.string()).describe("Addresses, with the ports that are bound."),
        interfaces: z
          .array(networkInterface)
          .describe("Network interfaces that carry it, and what their cards dropped."),
        warnings: z.array(z.string()).describe("What is wrong with it, each with its remedy."),
        state: z.string().describe("In words."),
        lastDatagramMs: z.number().nullable().describe("Epoch ms, to the second; null before one."),
        silenceMs: z.number().describe("After this long without a datagram it is stale."),
        perS: counts.describe("What was counted in the last second."),
        totals: counts.describe("What was counted since the start."),
        recovery: recovery.nullable().describe("Null before the feed has shown anything."),
      }),
    ),
    receiveBufferBytes: z.number().describe("Smallest of the sockets'."),
    drops: z
      .number()
      .describe("Datagrams that the kernel dropped because a queue was full; cards are apart."),
    kernelStamps: z.object({ samples: z.number(), errors: z.number() }),
    totals: counts.describe("What the feed thread counted besides."),
    help: z.record(z.string(), z.string()).describe("What each counter of a feed counts."),
  })
  .meta({ id: "Feed" });
export type FeedBody = z.output<typeof feedSchema>;

const level = {
  hits: z.number(),
  misses: z.number(),
  share: share.nullable().describe("Of look-ups since the start; null without any."),
};

export const cacheSchema = z
  .object({
    l1: z.object({
      ...level,
      form: z.enum(["dense", "associative"]),
      entries: z.number(),
      capacity: z.number(),
      evictions: z.number(),
      writes: z.number(),
      generations: z.number().describe("Times all decisions were invalidated at once."),
    }),
    l2: z.object({ ...level, errors: z.number(), promotions: z.number() }),
    pending: z.object({
      states: z.number().describe("Unknown states that wait for an answer now."),
      capacity: z.number(),
      added: z.number(),
      coalesced: z.number(),
      full: z.number(),
      dropped: z.number(),
    }),
    refreshes: z.number(),
    expired: z.number(),
    preset: z.string(),
    features: z.array(z.string()),
    states: z.number().describe("Size of the state space; 0 when it is not finite."),
    accessNs: z.object({
      l1P50Ns: nsOrNull,
      l1P99Ns: nsOrNull,
      l2P50Ns: nsOrNull,
      l2P99Ns: nsOrNull,
    }),
  })
  .meta({ id: "Cache" });
export type CacheBody = z.output<typeof cacheSchema>;

const hostSchema = z.object({
  url: z.string(),
  status: z.string(),
  serverVersion: z.string(),
  digest: z.string(),
  contextLength: z.number(),
  vramRatio: z.number().nullable().describe("Share of the model in GPU memory; null: not loaded."),
  breaker: z.string(),
  inFlight: z.number(),
  meanMs: z.number().nullable(),
  lastError: z.string(),
});

const warmSchema = z.object({
  done: z.number(),
  failed: z.number(),
  total: z.number(),
  ratePerS: z.number().nullable(),
  leftS: z.number().nullable(),
  finished: z.boolean(),
});

export const inferenceSchema = z
  .object({
    state: z.string().describe("In words."),
    engine: z.enum(["ollama", "rules"]),
    version: z.string().describe("Of the model, its prompt and the state space."),
    model: z.string().nullable(),
    mode: z.string().nullable().describe("How answers are read: logprobs, json or text."),
    hosts: z.array(hostSchema),
    queued: z.number(),
    queueMax: z.number(),
    inFlight: z.number(),
    warm: warmSchema.nullable(),
    shadow: z
      .object({
        model: z.string(),
        version: z.string(),
        hosts: z.array(hostSchema),
        warm: warmSchema.nullable(),
      })
      .nullable(),
    totals: counts.describe("What the inference thread counted since the start."),
    errors: counts.describe("Failed questions by kind."),
    stages: z
      .array(z.object({ name: z.string(), count: z.number(), p50Ns: nsOrNull, p99Ns: nsOrNull }))
      .describe("Where the time of a question went, over the last seconds."),
  })
  .meta({ id: "Inference" });
export type InferenceBody = z.output<typeof inferenceSchema>;
