import { z } from "zod";
import type { Parsed } from "../address.ts";
import { parsedString } from "../parsed-string.ts";

function parseHost(text: string): Parsed<URL> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return { reason: "is not http://HOST:PORT" };
  if (url.search === "" && url.hash === "") return { value: url };
  return { reason: "has a query, and a server's address has none" };
}

/** An option that is sent only when it is set: "server" leaves it to the server and the model. */
function orServer<T extends z.ZodType>(schema: T) {
  return z.union([z.literal("server"), schema]).default("server");
}

/** Options of older servers and guides that do nothing today, and what to do instead. */
const retired = {
  use_mlock:
    "is gone from Ollama: set LLAMA_ARG_LOAD_MODE=mmap+mlock in the server's environment (hftedge tune shows how)",
  low_vram: "is gone from Ollama: set num_gpu to the number of layers that fit",
  numa: "is gone from Ollama: set NUMAPolicy= in the server's systemd unit",
  f16_kv: "is gone from Ollama: set OLLAMA_KV_CACHE_TYPE in the server's environment",
  mirostat: "is gone from Ollama: leave it out",
  mirostat_tau: "is gone from Ollama: leave it out",
  mirostat_eta: "is gone from Ollama: leave it out",
  tfs_z: "is gone from Ollama: leave it out (min_p is the nearest)",
  penalize_newline: "is gone from Ollama: leave it out",
  logits_all: "is gone from Ollama: leave it out (log-probabilities are asked for anyway)",
  vocab_only: "is gone from Ollama: leave it out",
  embedding_only: "is gone from Ollama: leave it out",
} as const;

/** Ollama's own names, so that what is read elsewhere can be copied. */
const options = z
  .strictObject({
    temperature: z.number().min(0).max(10).default(0).describe("Sampling temperature."),
    top_k: z.int().min(1).max(1000).default(1).describe("Tokens that sampling may choose from."),
    top_p: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("Probability of the tokens that sampling may choose from."),
    min_p: orServer(z.number().min(0).max(1)).describe(
      "Least probability of a token, relative to the best one.",
    ),
    num_predict: z
      .int()
      .min(1)
      .max(4096)
      .default(50)
      .describe("Most tokens of an answer in text and JSON mode; log-probabilities need one.")
      .meta({ unit: "tokens" }),
    num_ctx: z
      .int()
      .min(256)
      .max(1_048_576)
      .default(1024)
      .describe("Context length; a different one makes the server load the model anew.")
      .meta({ unit: "tokens" }),
    num_batch: orServer(z.int().min(1).max(65_536)).describe(
      "Tokens evaluated at once; a different one loads the model anew.",
    ),
    num_gpu: orServer(z.int().min(0).max(1000)).describe(
      "Layers on the GPU; a different one loads the model anew.",
    ),
    main_gpu: orServer(z.int().min(0).max(63)).describe(
      "GPU of what is not split; a different one loads the model anew.",
    ),
    use_mmap: orServer(z.boolean()).describe(
      "Map the model's file into memory; a different one loads the model anew.",
    ),
    num_thread: orServer(z.int().min(1).max(1024)).describe(
      "Threads of the server on the CPU; a different one loads the model anew.",
    ),
    draft_num_predict: orServer(z.int().min(0).max(64)).describe(
      "Tokens of speculative decoding; a different one loads the model anew.",
    ),
    num_keep: orServer(z.int().min(-1).max(1_048_576)).describe(
      "Tokens of the prompt kept when the context is full.",
    ),
    seed: orServer(z.int().min(0).max(2_147_483_647)).describe("Seed of sampling."),
    repeat_last_n: orServer(z.int().min(-1).max(1_048_576)).describe(
      "Tokens that the repetition penalty looks back on.",
    ),
    repeat_penalty: orServer(z.number().min(0).max(10)).describe("Penalty of repeated tokens."),
    presence_penalty: orServer(z.number().min(-2).max(2)).describe("Penalty of used tokens."),
    frequency_penalty: orServer(z.number().min(-2).max(2)).describe(
      "Penalty of tokens by how often they were used.",
    ),
  })
  .meta({ retired });

const bias = z.number().min(-20).max(20).default(0);
const calibration = z.strictObject({
  temperature: z.number().min(0.01).max(100).default(1),
  buy: bias,
  sell: bias,
  hold: bias,
});

const share = z.number().min(0).max(1);
const templateMax = 16_384;

const shadow = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe("Warm another candidate beside the deciding one, and compare their decisions."),
  model: z.string().max(256).default("").describe("Its model; empty for the same one."),
  template: z.string().max(templateMax).default("").describe("Its template; empty for the same."),
  context: z.string().max(4096).default("").describe("Its context; empty for the same one."),
  takeOver: z
    .enum(["never", "agreement"])
    .default("never")
    .describe("Let it decide once it is warm and agrees; never leaves that to the operator."),
  agreementMin: share
    .default(0.9)
    .describe("Share of states with the same decision that lets it take over."),
});

/** [inference]: who decides about a state, and how it is asked. */
export const inferenceSection = z
  .strictObject({
    engine: z
      .enum(["ollama", "rules"])
      .default("ollama")
      .describe("Who decides: a model on Ollama, or a small rule for machines without one."),
    model: z
      .string()
      .regex(/^\S{1,256}$/, "is not the name of a model")
      .default("llama3.2:3b")
      .describe("Name of the model, as ollama list shows it."),
    hosts: z
      .array(parsedString(parseHost))
      .min(1)
      .max(16)
      .default(["http://127.0.0.1:11434"])
      .describe("Ollama servers; the one with the least expected wait is asked."),
    parallel: z
      .int()
      .min(1)
      .max(256)
      .default(1)
      .describe("Questions in flight at each server: its OLLAMA_NUM_PARALLEL.")
      .meta({ unit: "questions" }),
    mode: z
      .enum(["auto", "logprobs", "json", "text"])
      .default("auto")
      .describe(
        "How an answer is read: token probabilities (one forward pass), a JSON schema, or plain SIGNAL:confidence; auto takes the best that server and model can do.",
      ),
    raw: z
      .boolean()
      .default(true)
      .describe("Send the prompt as it is; false puts it into the model's chat template."),
    keepAliveS: z
      .int()
      .min(-1)
      .max(31_536_000)
      .default(-1)
      .describe("Time the server keeps the model in memory after a question; -1 for ever.")
      .meta({ unit: "s" }),
    options: options.prefault({}).describe("Options of the model, with Ollama's own names."),
    template: z
      .string()
      .max(templateMax)
      .default("")
      .describe(
        "Prompt with {answer}, {context}, {symbol} and {state}, the state last; empty for the built-in one.",
      ),
    context: z
      .string()
      .max(4096)
      .default("")
      .describe('Words for every prompt, e.g. "central bank today: be cautious"; a new version.'),
    symbols: z
      .array(z.string().regex(/^[\x21-\x7e]{1,16}$/, "is not a symbol"))
      .max(65_536)
      .default([])
      .describe(
        "Symbols that may be shown to the model, where they are in the key; empty for all.",
      ),
    marginMin: share
      .default(0.1)
      .describe("HOLD where the best label leads the second by less probability."),
    labelMassMin: share
      .default(0.1)
      .describe("No decision where BUY, SELL and HOLD together have less probability."),
    calibration: z
      .record(z.string(), calibration)
      .default({})
      .describe(
        "Per model: the temperature its probabilities are divided by, and a bias in nats for buy, sell and hold.",
      ),
    deadlineMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(2000)
      .describe("Nobody waits longer for an answer; a later one still fills the table.")
      .meta({ unit: "ms" }),
    retryMs: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(1000)
      .describe("A state whose question failed is asked about again after this.")
      .meta({ unit: "ms" }),
    queueMax: z
      .int()
      .min(1)
      .max(65_536)
      .default(256)
      .describe("Most states that wait for a free slot; the least wanted one is shed.")
      .meta({ unit: "states" }),
    hungMs: z
      .int()
      .min(100)
      .max(3_600_000)
      .default(60_000)
      .describe("A question without an answer is given up after this, but never during a load.")
      .meta({ unit: "ms" }),
    checkMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(2000)
      .describe("Time between two looks at a server's health and its loaded model.")
      .meta({ unit: "ms" }),
    checkTimeoutMs: z
      .int()
      .min(10)
      .max(60_000)
      .default(1000)
      .describe("A look at a server that takes longer has failed.")
      .meta({ unit: "ms" }),
    warmUps: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe("Questions asked of a server before it counts as ready.")
      .meta({ unit: "questions" }),
    answerBytesMax: z
      .int()
      .min(4096)
      .max(67_108_864)
      .default(262_144)
      .describe("Largest answer of a server that is read.")
      .meta({ unit: "bytes" }),
    breakerFailures: z
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe("Failures in a row that open a server's breaker."),
    breakerOpenMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(500)
      .describe("Time a breaker stays open the first time; it doubles.")
      .meta({ unit: "ms" }),
    breakerOpenMaxMs: z
      .int()
      .min(1)
      .max(3_600_000)
      .default(30_000)
      .describe("Longest time a breaker stays open.")
      .meta({ unit: "ms" }),
    hedge: z
      .boolean()
      .default(false)
      .describe("Ask a second server where the first is slower than 95 % of its answers."),
    maxAgeS: z
      .int()
      .min(0)
      .max(315_360_000)
      .default(0)
      .describe("An answer older than this is renewed while it still serves; 0 for never.")
      .meta({ unit: "s" }),
    maxStaleS: z
      .int()
      .min(0)
      .max(315_360_000)
      .default(0)
      .describe("An answer older than this is HOLD; 0 for never.")
      .meta({ unit: "s" }),
    warm: z
      .enum(["off", "observed", "all"])
      .default("off")
      .describe(
        "Ask about states in idle slots: those seen in earlier runs, or all of a finite space.",
      ),
    outboxMax: z
      .int()
      .min(16)
      .max(1_048_576)
      .default(8192)
      .describe("Most new decisions that wait to be written to the database.")
      .meta({ unit: "decisions" }),
    shadow: shadow.prefault({}).describe("A candidate that is warmed beside the deciding one."),
  })
  .superRefine(({ maxAgeS, maxStaleS, breakerOpenMs, breakerOpenMaxMs }, context) => {
    if (maxStaleS !== 0 && maxStaleS <= maxAgeS) {
      const message = "is not above maxAgeS, so an answer would expire before it is renewed";
      context.addIssue({ code: "custom", path: ["maxStaleS"], message });
    }
    if (breakerOpenMaxMs < breakerOpenMs) {
      const message = "is below breakerOpenMs";
      context.addIssue({ code: "custom", path: ["breakerOpenMaxMs"], message });
    }
  });

export type InferenceConfig = z.output<typeof inferenceSection>;
