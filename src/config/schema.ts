/**
 * The one description of every option: default, unit, bounds, help. File, environment, flags, help
 * texts, completions, the JSON schema and the README's tables are all read from it.
 */
import { z } from "zod";
import { alertSection } from "./section/alert.ts";
import { dataSection } from "./section/data.ts";
import { feedSection } from "./section/feed.ts";
import { httpSection } from "./section/http.ts";
import { inferenceSection } from "./section/inference.ts";
import { limitSection } from "./section/limit.ts";
import { logSection } from "./section/log.ts";
import { memorySection } from "./section/memory.ts";
import { recordSection } from "./section/record.ts";
import { signalSection } from "./section/signal.ts";
import { sinkSection } from "./section/sink.ts";
import { stateSection } from "./section/state.ts";
import { storeSection } from "./section/store.ts";
import { telemetrySection } from "./section/telemetry.ts";
import { threadSection } from "./section/thread.ts";
import { tuneSection } from "./section/tune.ts";

export const configSchema = z.strictObject({
  feed: z.array(feedSection).min(1).max(16).prefault([{}]).describe("Market data in."),
  state: stateSection.prefault({}).describe("Market states, which the model is asked about."),
  inference: inferenceSection.prefault({}).describe("Who decides, and how it is asked."),
  signal: signalSection.prefault({}).describe("Trading signals out.").meta({ reload: true }),
  sink: z
    .array(sinkSection)
    .max(16)
    .prefault([{}])
    .describe("Where signals go.")
    .meta({ reload: true }),
  http: httpSection
    .prefault({})
    .describe("The HTTP API, dashboard and metrics.")
    .meta({ reload: true }),
  telemetry: telemetrySection
    .prefault({})
    .describe("What is measured, and how it is reported.")
    .meta({ reload: true }),
  store: storeSection
    .prefault({})
    .describe("The history database and its bounds.")
    .meta({ reload: true }),
  alert: alertSection
    .prefault({})
    .describe("When to raise an alert, and whom to tell.")
    .meta({ reload: true }),
  log: logSection.prefault({}).describe("Messages on stderr.").meta({ reload: true }),
  record: recordSection.prefault({}).describe("What came in, kept in files."),
  memory: memorySection.prefault({}).describe("Memory of this process."),
  limit: limitSection.prefault({}).describe("Capacities of tables in memory."),
  thread: threadSection.prefault({}).describe("Worker threads."),
  tune: tuneSection.prefault({}).describe("Settings of the machine."),
  data: dataSection.prefault({}).describe("State that outlives a run."),
});

export type Config = z.output<typeof configSchema>;
