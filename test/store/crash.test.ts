/** Killed at random moments under load: nothing that was acknowledged may be missing afterwards. */
import { Database } from "bun:sqlite";
import { expect, test, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { epochS, Folder, newRun, openStore, randomFrom, scale, seedOf } from "./fixture.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

const child = join(import.meta.dir, "crash-child.ts");
const rounds = Math.max(5, Math.min(50, 5 * scale));

/** Runs the child until it has acknowledged `enough` seconds and then some; returns the last one. */
async function killAfter(
  path: string,
  round: number,
  first: number,
  enough: number,
  delayMs: number,
) {
  const key = round.toString(16).padStart(16, "0");
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const writer = Bun.spawn([process.execPath, child, path, key, String(first)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let text = "";
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of writer.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (Number(text.trimEnd().split("\n").at(-1)) >= first + enough) resolve();
    }
    resolve();
  })();
  await reached;
  await Bun.sleep(delayMs);
  writer.kill("SIGKILL");
  await writer.exited;
  await read;
  // The last line may be cut in the middle of its number.
  return Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
}

test(
  `kill -9, ${rounds} times: the file is whole and every acknowledged second and alert is in it`,
  async () => {
    const random = randomFrom(seedOf("crash"));
    using folder = new Folder();
    let next = 0;
    for (let round = 0; round < rounds; round++) {
      const last = await killAfter(folder.file, round, next, 100 * random(), 150 * random());
      expect(last).toBeGreaterThanOrEqual(next);
      const database = new Database(folder.file, { readonly: true });
      const [verdict] = database.query("PRAGMA integrity_check").values()[0] as [string];
      expect(verdict).toBe("ok");
      const value = (query: string) => database.query(query).values()[0]![0] as number;
      expect(value("SELECT max(start) FROM latency_row WHERE resolution = 1") - epochS).toBeOneOf([
        last,
        last + 1,
      ]);
      const alerts = value(
        `SELECT count(*) FROM alert WHERE opened_ms >= ${(epochS + next) * 1000}`,
      );
      expect(alerts).toBeOneOf([last + 1 - next, last + 2 - next]);
      database.close();
      next = last + 2;
    }
    const store = openStore(folder.file, {}, newRun("ffffffffffffffff", (epochS + next) * 1000));
    expect(store.previous?.clean).toBe(false);
    expect(store.openAlerts()).toEqual([]);
    store.close((epochS + next) * 1000);
    expectExactTiers(folder.file);
  },
  60_000 * scale,
);

/** Whatever was merged when, each coarser row is the sum of the finer ones that are still there. */
function expectExactTiers(path: string): void {
  const database = new Database(path, { readonly: true });
  for (const [finer, coarser] of [
    [1, 10],
    [10, 60],
    [60, 600],
    [600, 3600],
  ] as const) {
    const wrong = database
      .query(
        `SELECT c.start, c.count, sum(f.count) AS finer FROM latency_row c
         JOIN latency_row f ON f.resolution = ?1 AND f.stage = c.stage
          AND f.start >= c.start AND f.start < c.start + ?2
         WHERE c.resolution = ?2 AND c.start >= (SELECT pruned_to FROM tier WHERE resolution = ?1)
         GROUP BY c.stage, c.start HAVING finer <> c.count`,
      )
      .all(finer, coarser);
    expect(wrong).toEqual([]);
  }
  database.close();
}
