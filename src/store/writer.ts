/** Batches into rows: the statements of the one writing connection, prepared once. */
import { and, eq, isNull, sql } from "drizzle-orm";
import type { Alert } from "../telemetry/alert.ts";
import type { Batch } from "./batch.ts";
import { Folder } from "./fold.ts";
import { Names } from "./name.ts";
import {
  alertTable,
  decisionTable,
  eventTable,
  gapTable,
  runTable,
  signalTable,
  versionTable,
} from "./schema.ts";
import { keyBase } from "./key.ts";
import type { Resolution, Tiers } from "./tier.ts";
import type { History } from "./open.ts";

export class Writer {
  readonly names: Names;
  private readonly folder: Folder;
  private readonly tiers: Tiers;
  private readonly statements: ReturnType<typeof prepare>;

  constructor(database: History, tiers: Tiers) {
    this.names = new Names(database);
    this.folder = new Folder(database);
    this.tiers = tiers;
    this.statements = prepare(database);
  }

  /** Writes the batch; the caller holds the transaction. `run` is the run's number. */
  apply(batch: Batch, run: number): void {
    const { statements } = this;
    const [, merged] = this.tiers.all;
    if (batch.latency.length > 0 && batch.startS < merged!.rolledTo) this.tiers.revise();
    for (const item of batch.latency) {
      const { stage: name, ...values } = item;
      const stage = this.names.idOf(name);
      this.everyTier(batch.startS, (resolution, start) =>
        this.folder.latency({ key: keyBase(resolution, stage) + start, ...values }),
      );
    }
    for (const { metric: name, value } of batch.metrics) {
      const metric = this.names.idOf(name);
      const same = { sum: value, min: value, max: value, last: value };
      this.everyTier(batch.startS, (resolution, start) =>
        this.folder.metric({ resolution, metric, start, samples: 1, ...same }),
      );
    }
    for (const signal of batch.signals) statements.signal.run({ run, ...signal });
    for (const gap of batch.gaps) statements.gap.run({ run, ...gap });
    for (const healed of batch.healed) statements.healed.run({ run, ...healed });
    for (const alert of batch.alerts) this.alert(run, alert);
    for (const version of batch.versions) statements.version.run({ ...version });
    for (const decision of batch.decisions) statements.decision.run({ ...decision });
    for (const use of batch.uses) statements.use.run({ ...use });
    for (const event of batch.events) statements.event.run({ run, ...event });
    statements.alive.run({ run, lastMs: (batch.startS + 1) * 1000 });
  }

  private alert(run: number, alert: Alert): void {
    const { id: number, limit: threshold, ...values } = alert;
    this.statements.alert.run({ run, number, threshold, ...values });
  }

  /**
   * The second itself, and every coarser row that was merged already: after a step back of the
   * clock, a second may come when its minute is long closed.
   */
  private everyTier(startS: number, write: (resolution: Resolution, start: number) => void): void {
    for (const { resolution, rolledTo } of this.tiers.all) {
      if (resolution === 1) write(1, startS);
      else if (startS < rolledTo) write(resolution, startS - (startS % resolution));
    }
  }
}

function prepare(database: History) {
  const { placeholder } = sql;
  const signal = database
    .insert(signalTable)
    .values({
      run: placeholder("run"),
      seq: placeholder("seq"),
      atMs: placeholder("atMs"),
      feed: placeholder("feed"),
      inputSeq: placeholder("inputSeq"),
      symbol: placeholder("symbol"),
      signal: placeholder("signal"),
      confidence: placeholder("confidence"),
      source: placeholder("source"),
      reason: placeholder("reason"),
      ageMs: placeholder("ageMs"),
      version: placeholder("version"),
      state: placeholder("state"),
      price: placeholder("price"),
      exchangeTime: placeholder("exchangeTime"),
      receiveTime: placeholder("receiveTime"),
      emitTime: placeholder("emitTime"),
      ttlMs: placeholder("ttlMs"),
      latencyNs: placeholder("latencyNs"),
    })
    .prepare();
  const gap = database
    .insert(gapTable)
    .values({
      run: placeholder("run"),
      atMs: placeholder("atMs"),
      feed: placeholder("feed"),
      channel: placeholder("channel"),
      session: placeholder("session"),
      firstSeq: placeholder("firstSeq"),
      lost: placeholder("lost"),
      recovered: placeholder("recovered"),
      healedMs: placeholder("healedMs"),
    })
    .prepare();
  const healed = database
    .update(gapTable)
    .set({
      healedMs: sql`${placeholder("healedMs")}`,
      recovered: sql`${placeholder("recovered")}`,
    })
    .where(
      and(
        eq(gapTable.channel, placeholder("channel")),
        eq(gapTable.firstSeq, placeholder("firstSeq")),
        eq(gapTable.run, placeholder("run")),
        isNull(gapTable.healedMs),
      ),
    )
    .prepare();
  const alert = database
    .insert(alertTable)
    .values({
      run: placeholder("run"),
      number: placeholder("number"),
      rule: placeholder("rule"),
      subject: placeholder("subject"),
      severity: placeholder("severity"),
      summary: placeholder("summary"),
      threshold: placeholder("threshold"),
      unit: placeholder("unit"),
      openedMs: placeholder("openedMs"),
      lastMs: placeholder("lastMs"),
      resolvedMs: placeholder("resolvedMs"),
      count: placeholder("count"),
      worst: placeholder("worst"),
    })
    .onConflictDoUpdate({
      target: [alertTable.run, alertTable.number],
      set: {
        lastMs: sql`excluded.last_ms`,
        resolvedMs: sql`excluded.resolved_ms`,
        count: sql`excluded.count`,
        worst: sql`excluded.worst`,
      },
    })
    .prepare();
  const version = database
    .insert(versionTable)
    .values({
      version: placeholder("version"),
      model: placeholder("model"),
      digest: placeholder("digest"),
      createdMs: placeholder("createdMs"),
      lastUsedMs: placeholder("lastUsedMs"),
      detail: placeholder("detail"),
    })
    .onConflictDoUpdate({
      target: versionTable.version,
      set: { lastUsedMs: sql`excluded.last_used_ms` },
    })
    .prepare();
  const decision = database
    .insert(decisionTable)
    .values({
      version: placeholder("version"),
      state: placeholder("state"),
      decision: placeholder("decision"),
      confidence: placeholder("confidence"),
      probabilities: placeholder("probabilities"),
      decidedAtMs: placeholder("decidedAtMs"),
      uses: placeholder("uses"),
      lastUsedMs: placeholder("lastUsedMs"),
    })
    .onConflictDoUpdate({
      target: [decisionTable.version, decisionTable.state],
      set: {
        decision: sql`excluded.decision`,
        confidence: sql`excluded.confidence`,
        probabilities: sql`excluded.probabilities`,
        decidedAtMs: sql`excluded.decided_at_ms`,
        uses: sql`${decisionTable.uses} + excluded.uses`,
        lastUsedMs: sql`max(${decisionTable.lastUsedMs}, excluded.last_used_ms)`,
      },
    })
    .prepare();
  const use = database
    .update(decisionTable)
    .set({
      uses: sql`${decisionTable.uses} + ${placeholder("uses")}`,
      lastUsedMs: sql`max(${decisionTable.lastUsedMs}, ${placeholder("lastUsedMs")})`,
    })
    .where(
      and(
        eq(decisionTable.version, placeholder("version")),
        eq(decisionTable.state, placeholder("state")),
      ),
    )
    .prepare();
  const event = database
    .insert(eventTable)
    .values({
      run: placeholder("run"),
      atMs: placeholder("atMs"),
      kind: placeholder("kind"),
      severity: placeholder("severity"),
      message: placeholder("message"),
      detail: placeholder("detail"),
    })
    .prepare();
  const alive = database
    .update(runTable)
    .set({ lastMs: sql`max(${runTable.lastMs}, ${placeholder("lastMs")})` })
    .where(eq(runTable.id, placeholder("run")))
    .prepare();
  return { signal, gap, healed, alert, version, decision, use, event, alive };
}
