/** What the API is told: implemented by whoever runs the service, or by a test. */
import type { HistoryReader } from "../store/query.ts";
import type { ChannelNames } from "../telemetry/alert-rule.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import type { Hub } from "./hub.ts";
import type { Readiness, Status } from "./status-schema.ts";

export interface ApiSource {
  /** Epoch ms. */
  nowMs(): number;
  /** Monotonic ms. */
  clockMs(): number;
  limits: { pointsMax: number };
  status(): Status;
  readiness(): Readiness;
  /** Undefined while there is no history to read. */
  history(): HistoryReader | undefined;
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
