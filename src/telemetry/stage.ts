/**
 * Everything whose duration is measured. Ids index the board and may change between versions; the
 * names are API: they are in the database, in HTTP replies, in alerts and in the configuration.
 *
 * Each stage is recorded by one thread only, because each cell of the board has one writer.
 */
export const Thread = { main: 0, feed: 1, inference: 2, ops: 3 } as const;
export type Thread = (typeof Thread)[keyof typeof Thread];
export type ThreadName = keyof typeof Thread;
export const threadNames = Object.keys(Thread) as readonly ThreadName[];

/** Something for each thread, by its name. */
export function perThread<T>(make: (thread: ThreadName) => T): Record<ThreadName, T> {
  return Object.fromEntries(threadNames.map((name) => [name, make(name)])) as Record<ThreadName, T>;
}

export const Stage = {
  /** Exchange's or sender's time → the kernel received the datagram. Needs agreeing clocks. */
  networkLatency: 0,
  /** The kernel received the datagram → the book is updated. */
  dataIngestion: 1,
  /** State → decision out of the in-memory table. */
  cacheAccess: 2,
  /** State → decision out of SQLite, the second level. */
  cacheAccessL2: 3,
  /** A question enters the queue's service → its decision is parsed. */
  ollamaProcessing: 4,
  ollamaLoad: 5,
  ollamaWait: 6,
  ollamaPrompt: 7,
  ollamaEval: 8,
  ollamaClient: 9,
  /** The kernel received the datagram → the signal was handed to the sinks, from the table. */
  totalCached: 10,
  /** The same for a state that was not in the table: includes the model. */
  totalUncached: 11,
  /** How late a thread's event loop came back to its timer. */
  eventLoopMain: 12,
  eventLoopFeed: 13,
  eventLoopInference: 14,
  eventLoopOps: 15,
  /** Garbage collections that the feed thread asked for in idle moments. */
  collectorPause: 16,
  storeCommit: 17,
  httpRequest: 18,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];
export const stageCount = 19;

export interface StageSpec {
  id: Stage;
  /** `component` or `component.part`; lower case with underscores. */
  name: string;
  thread: ThreadName;
  /** One of the five components that the product reports and alerts on by default. */
  headline: boolean;
  help: string;
}

function stage(
  id: Stage,
  name: string,
  thread: ThreadName,
  headline: boolean,
  help: string,
): StageSpec {
  return { id, name, thread, headline, help };
}

/** Indexed by stage id. */
export const stages: readonly StageSpec[] = [
  stage(0, "network_latency", "feed", true, "sender's time to kernel receive time (sampled)"),
  stage(1, "data_ingestion", "feed", true, "kernel receive time to updated book"),
  stage(2, "cache_access", "feed", true, "state to decision out of the in-memory table"),
  stage(3, "cache_access.l2", "inference", false, "state to decision out of the database"),
  stage(4, "ollama_processing", "inference", true, "request sent to decision parsed"),
  stage(5, "ollama_processing.load", "inference", false, "the server's load_duration"),
  stage(6, "ollama_processing.wait", "inference", false, "waiting for a slot of the server"),
  stage(7, "ollama_processing.prompt", "inference", false, "evaluation of the prompt"),
  stage(8, "ollama_processing.eval", "inference", false, "generation of the answer"),
  stage(9, "ollama_processing.client", "inference", false, "HTTP and parsing on our side"),
  stage(10, "total_pipeline.cached", "feed", true, "kernel receive to signal, from the table"),
  stage(11, "total_pipeline.uncached", "feed", true, "kernel receive to signal, model included"),
  stage(12, "event_loop.main", "main", false, "lateness of the supervisor's event loop"),
  stage(13, "event_loop.feed", "feed", false, "lateness of the feed's event loop"),
  stage(14, "event_loop.inference", "inference", false, "lateness of inference's event loop"),
  stage(15, "event_loop.ops", "ops", false, "lateness of ops' event loop"),
  stage(16, "collector_pause", "feed", false, "requested garbage collections of the feed thread"),
  stage(17, "store_commit", "ops", false, "one transaction of the history database"),
  stage(
    18,
    "http_request",
    "ops",
    false,
    "one HTTP request, first byte in to last byte handed over",
  ),
];

/** Components that are shown as one although they are recorded apart. */
const unions: Readonly<Record<string, readonly Stage[]>> = {
  total_pipeline: [Stage.totalCached, Stage.totalUncached],
};

/** The five components of the latency report, in the order in which an event passes them. */
export const components = [
  "network_latency",
  "data_ingestion",
  "cache_access",
  "ollama_processing",
  "total_pipeline",
] as const;
export type Component = (typeof components)[number];

const byName = new Map<string, readonly Stage[]>(stages.map((spec) => [spec.name, [spec.id]]));
for (const [name, ids] of Object.entries(unions)) byName.set(name, ids);

/** Every name that can be asked for: all stages and the unions. */
export const stageNames: readonly string[] = [...byName.keys()];

/** The stages whose histograms, merged, are the named one; undefined for an unknown name. */
export function stagesOf(name: string): readonly Stage[] | undefined {
  return byName.get(name);
}
