/** What the API is told: implemented by whoever runs the service, or by a test. */
import type { Diagnosis } from "../doctor/diagnose.ts";
import type { Page } from "../store/record-query.ts";
import type { CacheBody, FeedBody, InferenceBody } from "./part-schema.ts";
import type { SymbolBody, SymbolDetail } from "./symbol.ts";
import type { HistoryReader } from "../store/query.ts";
import type { TurnQueue } from "../store/turn.ts";
import type { ChannelNames } from "../telemetry/alert-rule.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import type { Hub } from "./hub.ts";
import type { Readiness, Status } from "./status-schema.ts";

/** What routes need that read the stored history and nothing else. */
export type HistorySource = Pick<ApiSource, "nowMs" | "limits" | "history" | "queries">;

export interface SymbolPage {
  prefix: string;
  feed: string | undefined;
  limit: number;
  /** 0, or the `next` of the page before. */
  after: number;
}

export interface ApiSource {
  /** Epoch ms. */
  nowMs(): number;
  /** Monotonic ms. */
  clockMs(): number;
  limits: { pointsMax: number };
  status(): Status;
  feed(): FeedBody;
  cache(): CacheBody;
  inference(): InferenceBody;
  symbols(page: SymbolPage): Page<SymbolBody>;
  /** Undefined for one that was never seen. */
  symbol(symbol: string, feed: string | undefined): SymbolDetail | undefined;
  /** Passive, and kept for half a minute whoever asks. */
  diagnose(): Promise<Diagnosis>;
  readiness(): Readiness;
  /** Undefined while there is no history to read. */
  history(): HistoryReader | undefined;
  /** Where questions to the history take turns with each other and with everything else. */
  queries: TurnQueue;
  /** For /metrics: totals as of the last reading. */
  board: BoardReader;
  channelNames: ChannelNames;
  /** What each of a channel's counters counts. */
  channelHelp: readonly string[];
  build: { version: string; commit: string };
  /** One `status` event a second. */
  live: Hub;
  /** Every signal. */
  signals: Hub;
}
