import { Database } from "bun:sqlite";
import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { emptyBatch, type NewSignal } from "../../src/store/batch.ts";
import { checkVersion, migrate } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migration.ts";
import { openForReading, openForWriting } from "../../src/store/open.ts";
import { HistoryReader } from "../../src/store/query.ts";
import * as schema from "../../src/store/schema.ts";
import type { Alert } from "../../src/telemetry/alert.ts";
import { epochS, Folder, latencyBatch, newRun, openStore, optionsFor } from "./fixture.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

const nowMs = epochS * 1000;

function rowsOf(path: string, query: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.query(query).all();
  } finally {
    database.close();
  }
}

function alert(changes: Partial<Alert> = {}): Alert {
  return {
    id: 1,
    rule: "slow",
    subject: "cache_access",
    severity: "warning",
    summary: "It is slow.",
    limit: 5,
    unit: "ns",
    openedMs: nowMs,
    lastMs: nowMs,
    resolvedMs: null,
    count: 3,
    worst: 9,
    ...changes,
  };
}

function signal(seq: number): NewSignal {
  return {
    seq,
    atMs: nowMs + seq,
    feed: "nasdaq",
    inputSeq: seq,
    symbol: "AAPL",
    signal: "BUY",
    confidence: 0.75,
    source: "model",
    reason: "",
    ageMs: 12,
    version: "v",
    state: "17",
    price: 101.25,
    exchangeTime: "1700000000000000000",
    receiveTime: "1700000000000000001",
    emitTime: "1700000000000000002",
    ttlMs: 1000,
    latencyNs: 12_345,
  };
}

describe("the schema", () => {
  test("in the file is the one in the code: tables, columns, keys, STRICT", () => {
    const database = new Database(":memory:");
    migrate(database);
    const tables = Object.values(schema).filter((v) => is(v, SQLiteTable));
    const names = tables.map((table) => getTableConfig(table).name).toSorted();
    const found = database
      .query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .values()
      .map(([name]) => name as string);
    expect(found.toSorted()).toEqual(names);
    for (const table of tables) {
      const { name, columns, indexes } = getTableConfig(table);
      const info = database.query(`PRAGMA table_xinfo(${name})`).all() as Record<string, unknown>[];
      expect(
        info.map((c) => [c["name"], String(c["type"]).toLowerCase(), c["notnull"] === 1]),
      ).toEqual(columns.map((c) => [c.name, c.getSQLType(), c.notNull]));
      const [strict] = database
        .query("SELECT strict FROM pragma_table_list WHERE name = ?")
        .values(name)[0] as [number];
      expect([name, strict]).toEqual([name, 1]);
      const made = database.query(`PRAGMA index_list(${name})`).all() as { name: string }[];
      for (const index of indexes) expect(made.map((m) => m.name)).toContain(index.config.name);
    }
    database.close();
  });

  test("every statement of a migration runs, not only the first of a piece", () => {
    for (const step of migrations) {
      const statements = step.split(";").filter((part) => part.replaceAll(/-->.*/g, "").trim());
      const pieces = step.split("--> statement-breakpoint").filter((part) => part.trim());
      expect(pieces).toHaveLength(statements.length);
    }
  });

  test("migrates step by step and stops where a step fails", () => {
    const database = new Database(":memory:");
    const steps = ["CREATE TABLE a (x);--> statement-breakpoint\nCREATE TABLE b (x);", "CREATE"];
    expect(() => migrate(database, steps)).toThrow();
    expect(checkVersion(database, 2)).toBe(1);
    expect(migrate(database, ["", "CREATE TABLE c (x)"])).toEqual({ from: 1, to: 2 });
    database.close();
  });
});

describe("opening", () => {
  test("sets the pragmas that matter", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const history = openForWriting(optionsFor(folder.file));
    const pragma = (name: string) => history.$client.query(`PRAGMA ${name}`).values()[0]![0];
    const names = ["journal_mode", "auto_vacuum", "synchronous", "busy_timeout"];
    expect(names.map(pragma)).toEqual(["wal", 2, 1, 5000]);
    history.$client.close();
    store.close(nowMs);
  });

  test("refuses a file from a newer version, and leaves it as it is", () => {
    using folder = new Folder();
    openStore(folder.file).close(nowMs);
    const database = new Database(folder.file);
    database.run("PRAGMA user_version = 99");
    database.close();
    expect(() => openStore(folder.file)).toThrow("has schema version 99, this build knows up to 2");
    expect(() => openForReading(folder.file)).toThrow("schema version 99");
    expect(readdirSync(folder.path).filter((name) => name.includes("damaged"))).toEqual([]);
    expect(rowsOf(folder.file, "PRAGMA user_version")).toEqual([{ user_version: 99 }]);
    expect(rowsOf(folder.file, "SELECT count(*) AS runs FROM run")).toEqual([{ runs: 1 }]);
  });

  test("refuses another program's database, and leaves it as it is", () => {
    using folder = new Folder();
    const database = new Database(folder.file, { create: true });
    database.run("CREATE TABLE recipe (name TEXT)");
    database.close();
    expect(() => openStore(folder.file)).toThrow("another program");
    expect(rowsOf(folder.file, "SELECT name FROM sqlite_schema")).toEqual([{ name: "recipe" }]);
  });

  test("says where there is no history yet", () => {
    using folder = new Folder();
    expect(() => openForReading(folder.file)).toThrow("there is no history at");
    // Somebody was stopped before the first table was there.
    writeFileSync(folder.file, "");
    expect(() => new HistoryReader(folder.file)).toThrow("there is no history at");
    openStore(folder.file).close(nowMs);
    new HistoryReader(folder.file).close();
  });

  test("says what cannot be written to", () => {
    using folder = new Folder();
    writeFileSync(`${folder.path}/file`, "");
    expect(() => openStore(`${folder.path}/file/history.db`)).toThrow("cannot open the history");
  });
});

describe("a damaged file", () => {
  test("that is no database is set aside, reported, and a fresh one begun", () => {
    using folder = new Folder();
    writeFileSync(folder.file, "this is not a database, whatever its name says".repeat(100));
    const store = openStore(folder.file);
    const [notice] = store.notices();
    expect(notice).toMatchObject({ kind: "history_damaged", severity: "critical" });
    expect(existsSync(`${folder.file}.damaged-${nowMs}`)).toBe(true);
    store.commit(latencyBatch(epochS, "cache_access", [5]), nowMs);
    store.close(nowMs);
    expect(rowsOf(folder.file, "SELECT count FROM latency")).toEqual([{ count: 1 }]);
    expect(rowsOf(folder.file, "SELECT kind FROM event")).toEqual([{ kind: "history_damaged" }]);
  });

  test("whose pages were overwritten is found after an unclean stop", () => {
    using folder = new Folder();
    const first = openStore(folder.file);
    for (let s = 0; s < 300; s++) {
      first.commit(latencyBatch(epochS + s, "cache_access", [s, s * s, s * 1000]), nowMs);
    }
    first.close(nowMs);
    const database = new Database(folder.file);
    database.run("UPDATE run SET clean = 0");
    database.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
    database.close();
    overwrite(folder.file, 4096 * 12, 4096 * 40);
    const second = openStore(folder.file, {}, newRun("00000000000000bb"));
    expect(second.notices().map(({ kind }) => kind)).toContain("history_damaged");
    expect(second.previous).toBeNull();
    second.close(nowMs);
  });

  test("found while running is replaced without losing the second at hand", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    for (let s = 0; s < 300; s++) {
      store.commit(latencyBatch(epochS + s, "cache_access", [s, s * s, s * 1000]), nowMs);
    }
    store.close(nowMs);
    const again = openStore(folder.file, { checkBytesMax: 0 }, newRun("00000000000000cc"));
    overwrite(folder.file, 4096 * 12, 4096 * 60);
    let s = 300;
    const kinds: string[] = [];
    while (!kinds.includes("history_damaged")) {
      // The oldest rows are merged and deleted, so the damaged pages are met before long.
      again.commit(latencyBatch(epochS + s, "cache_access", [7]), (epochS + s) * 1000);
      again.maintain((epochS + s) * 1000 + 3_000_000);
      kinds.push(...again.notices().map(({ kind }) => kind));
      expect(s++).toBeLessThan(500);
    }
    again.commit(latencyBatch(epochS + 1000, "cache_access", [8]), nowMs);
    again.close(nowMs);
    expect(
      rowsOf(folder.file, "SELECT max(start) AS s FROM latency_row WHERE resolution = 1"),
    ).toEqual([{ s: epochS + 1000 }]);
  });

  for (const part of ["tier", "run", "alert", "name_name_unique"]) {
    test(`whose ${part} cannot be read does not stop the run`, () => {
      using folder = new Folder();
      const first = openStore(folder.file);
      first.commit(latencyBatch(epochS, "cache_access", [5]), nowMs);
      first.close(nowMs);
      const [{ root }] = rowsOf(
        folder.file,
        `SELECT rootpage AS root FROM sqlite_schema WHERE name = '${part}'`,
      ) as [{ root: number }];
      overwrite(folder.file, 4096 * (root - 1), 4096 * root);
      const second = openStore(folder.file, { checkBytesMax: 0 }, newRun("00000000000000bb"));
      const batch = latencyBatch(epochS + 1, "cache_access", [7]);
      batch.alerts.push(alert());
      expect(second.commit(batch, nowMs + 1000)).toMatchObject({ failed: false, dropped: 0 });
      expect(second.notices().map(({ kind }) => kind)).toEqual(["history_damaged"]);
      second.close(nowMs + 2000);
      expect(rowsOf(folder.file, "SELECT start, min_ns FROM latency_row")).toEqual([
        { start: epochS + 1, min_ns: 7 },
      ]);
      expect(rowsOf(folder.file, "SELECT key, clean FROM run")).toEqual([
        { key: "00000000000000bb", clean: 1 },
      ]);
    });
  }

  test("never takes the name of another that is kept", () => {
    using folder = new Folder();
    for (const text of ["first", "second"]) {
      writeFileSync(folder.file, text.repeat(1000));
      openStore(folder.file).close(nowMs);
    }
    const kept = readdirSync(folder.path).filter((name) => /damaged-\d+$/.test(name));
    expect(kept.map((name) => readFileSync(`${folder.path}/${name}`, "utf8").slice(0, 5))).toEqual(
      expect.arrayContaining(["first", "secon"]),
    );
  });

  test("is kept, but not every one for ever", () => {
    using folder = new Folder();
    for (let i = 0; i < 5; i++) {
      writeFileSync(folder.file, "no database".repeat(1000));
      openStore(folder.file, {}, newRun("00000000000000aa", nowMs + i)).close(nowMs);
    }
    const kept = readdirSync(folder.path).filter((name) => /damaged-\d+$/.test(name));
    expect(kept.toSorted()).toEqual([
      `history.db.damaged-${nowMs + 3}`,
      `history.db.damaged-${nowMs + 4}`,
    ]);
  });
});

function overwrite(path: string, from: number, to: number): void {
  const bytes = new Uint8Array(readFileSync(path));
  bytes.fill(0xa5, from, Math.min(to, bytes.length));
  writeFileSync(path, bytes);
}

describe("runs", () => {
  test("that were stopped in order say so, and those that were not as well", () => {
    using folder = new Folder();
    openStore(folder.file, {}, newRun("0000000000000001")).close(nowMs + 5000);
    const crashed = openStore(folder.file, {}, newRun("0000000000000002"));
    expect(crashed.previous).toMatchObject({ clean: true, stopMs: nowMs + 5000 });
    const open = emptyBatch(epochS + 9);
    open.alerts.push(alert());
    crashed.commit(open, nowMs);
    const third = openStore(folder.file, {}, newRun("0000000000000003"));
    expect(third.previous).toMatchObject({ clean: false, stopMs: null, lastMs: nowMs + 10_000 });
    expect(third.notices()).toMatchObject([{ kind: "unclean_stop" }]);
    expect(rowsOf(folder.file, "SELECT resolved_ms AS ms FROM alert")).toEqual([
      { ms: nowMs + 10_000 },
    ]);
    third.close(nowMs);
  });

  test("go on under their number when only the ops thread was started again", () => {
    using folder = new Folder();
    const first = openStore(folder.file);
    const batch = emptyBatch(epochS);
    batch.alerts.push(alert());
    first.commit(batch, nowMs);
    const second = openStore(folder.file);
    expect(second.runId).toBe(first.runId);
    expect(second.previous).toBeNull();
    expect(second.openAlerts()).toMatchObject([{ number: 1, count: 3 }]);
    second.close(nowMs);
  });
});

describe("batches", () => {
  test("write one row an alert, however often it changes", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    for (const changes of [{}, { count: 100_000, worst: 50 }, { resolvedMs: nowMs + 1 }]) {
      const batch = emptyBatch(epochS);
      batch.alerts.push(alert({ count: 100_000, worst: 50, ...changes }));
      store.commit(batch, nowMs);
    }
    store.close(nowMs);
    const rows = rowsOf(folder.file, "SELECT number, count, worst, resolved_ms AS ms FROM alert");
    expect(rows).toEqual([{ number: 1, count: 100_000, worst: 50, ms: nowMs + 1 }]);
  });

  test("close a gap when the channel is whole again", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const batch = emptyBatch(epochS);
    const gap = { atMs: nowMs, feed: "nasdaq", channel: "a", session: "S1" };
    batch.gaps.push({ ...gap, firstSeq: 100, lost: 5, recovered: 0, healedMs: null });
    batch.gaps.push({ ...gap, firstSeq: 200, lost: 5, recovered: 0, healedMs: null });
    batch.healed.push({ channel: "a", firstSeq: 200, recovered: 4, healedMs: nowMs + 7 });
    store.commit(batch, nowMs);
    store.close(nowMs);
    expect(rowsOf(folder.file, "SELECT first_seq, recovered, healed_ms FROM gap")).toEqual([
      { first_seq: 100, recovered: 0, healed_ms: null },
      { first_seq: 200, recovered: 4, healed_ms: nowMs + 7 },
    ]);
  });

  test("add uses to a decision, and a new answer replaces the old one", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const key = { version: "v1", state: "3:1:2" };
    const first = { ...key, decision: "BUY", confidence: 0.5, probabilities: null };
    const batch = emptyBatch(epochS);
    batch.decisions.push({ ...first, decidedAtMs: 1, uses: 0, lastUsedMs: 1 });
    batch.uses.push({ ...key, uses: 7, lastUsedMs: 20 });
    batch.uses.push({ version: "v1", state: "unknown", uses: 7, lastUsedMs: 20 });
    batch.decisions.push({ ...first, decision: "SELL", decidedAtMs: 5, uses: 1, lastUsedMs: 5 });
    store.commit(batch, nowMs);
    store.close(nowMs);
    expect(
      rowsOf(folder.file, "SELECT decision, decided_at_ms, uses, last_used_ms FROM decision"),
    ).toEqual([{ decision: "SELL", decided_at_ms: 5, uses: 8, last_used_ms: 20 }]);
  });

  test("that the schema refuses are given up, so that the next ones are not held back", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const bad = emptyBatch(epochS);
    bad.signals.push({ ...signal(1), symbol: null as unknown as string });
    expect(store.commit(bad, nowMs)).toMatchObject({ failed: true, dropped: 0 });
    expect(store.commit(latencyBatch(epochS, "x", [1]), nowMs)).toMatchObject({ failed: true });
    const result = store.commit(latencyBatch(epochS + 1, "x", [1]), nowMs);
    expect(result).toMatchObject({ failed: false, dropped: 1 });
    expect(store.notices()).toMatchObject([{ kind: "batch_refused", severity: "critical" }]);
    store.close(nowMs);
    expect(rowsOf(folder.file, "SELECT start FROM latency_row")).toHaveLength(2);
  });

  test("of two readings within one second become one row", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    store.commit(latencyBatch(epochS, "x", [10, 20]), nowMs);
    store.commit(latencyBatch(epochS, "x", [5, 4000]), nowMs);
    store.close(nowMs);
    expect(rowsOf(folder.file, "SELECT count, min_ns, max_ns, sum_ns FROM latency")).toEqual([
      { count: 4, min_ns: 5, max_ns: 4000, sum_ns: 4035 },
    ]);
  });
});

describe("a disk", () => {
  const full = { freeBytes: () => 0, takeBallast: () => false, dropBallast: () => false };

  test("that is nearly full does not keep the second waiting for whoever reads the file", () => {
    using folder = new Folder();
    const store = openStore(folder.file, { disk: full, freeBytesMin: 1 });
    store.commit(latencyBatch(epochS, "x", [1]), nowMs);
    const reader = new Database(folder.file, { readonly: true });
    reader.run("BEGIN");
    reader.query("SELECT count(*) FROM latency").all();
    // Each of these would take the whole busy timeout, and all of them longer than a test may.
    for (let s = 0; s < 100; s++) store.maintain(nowMs + s * 1000);
    expect(store.notices().map(({ kind }) => kind)).toEqual(["disk_low"]);
    reader.run("COMMIT");
    reader.close();
    store.close(nowMs);
  });

  test("has no reserve any more when the configuration has none", () => {
    using folder = new Folder();
    openStore(folder.file, { ballastBytes: 65_536 }).close(nowMs);
    expect(existsSync(`${folder.file}.ballast`)).toBe(true);
    openStore(folder.file, { ballastBytes: 0 }).close(nowMs);
    expect(existsSync(`${folder.file}.ballast`)).toBe(false);
  });
});

test("signals are kept up to their number, newest first to stay", () => {
  using folder = new Folder();
  const retention = { ...optionsFor("").retention, signalRows: 50 };
  const store = openStore(folder.file, { retention });
  for (let s = 0; s < 30; s++) {
    const batch = emptyBatch(epochS + s);
    for (let i = 0; i < 10; i++) batch.signals.push(signal(s * 10 + i));
    store.commit(batch, nowMs);
    store.maintain((epochS + s) * 1000);
  }
  store.close(nowMs);
  const rows = rowsOf(folder.file, "SELECT seq FROM signal ORDER BY seq") as { seq: number }[];
  expect(rows).toHaveLength(50);
  expect([rows[0]!.seq, rows.at(-1)!.seq]).toEqual([250, 299]);
});
