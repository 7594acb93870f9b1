/** Kills and crashes. */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { emptyDirectory } from "../../support/directory.ts";
import { until } from "../../support/until.ts";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";

function crash(thread: "feed" | "inference" | "ops", promised: string): Fault {
  return {
    name: `the ${thread} thread crashes`,
    injected: "an exception that nobody catches in its Worker",
    promised,
    async provoke() {
      await using edge = await FaultEdge.start({ env: { HFTEDGE_TEST_FAULT: `${thread}:throw` } });
      await edge.works();
      const beganMs = performance.now();
      edge.running.signal("SIGUSR2");
      await edge.running.until(
        "stderr",
        new RegExp(`the ${thread} thread crashed[\\s\\S]*it is back`),
      );
      const awayMs = performance.now() - beganMs;
      if (thread === "feed") {
        // Nobody sends now: the HOLD comes from the crash alone.
        await until(() => edge.last("ACME")?.["signal"] === "HOLD");
      }
      await edge.works();
      await edge.ends();
      const held = thread === "feed" ? "HOLD meanwhile, " : "";
      return `back after ${duration(awayMs)}; ${held}decides and serves again`;
    },
  };
}

export const processFaults: readonly Fault[] = [
  {
    name: "kill -9 under load",
    injected: "SIGKILL while ticks and signals flow, then a start on the same data",
    promised: "starts again by itself; the history is whole",
    async provoke() {
      using folder = emptyDirectory();
      const args = [`--data-directory=${folder.path}`, "--signal-emit=every"];
      {
        await using edge = await FaultEdge.start({ args });
        await edge.decides();
        // Long enough for a batch of history to have been written.
        await edge.tickUntil("ACME", () => rows(folder.path) > 0);
        edge.running.signal("SIGKILL");
        await edge.running.finished;
      }
      const kept = rows(folder.path);
      const beganMs = performance.now();
      await using edge = await FaultEdge.start({ args });
      const backMs = performance.now() - beganMs;
      await edge.works();
      await edge.ends();
      promise(integrity(folder.path) === "ok", "the history is damaged");
      promise(rows(folder.path) >= kept, "rows of before are gone");
      return `ready again in ${duration(backMs)}; integrity_check: ok, nothing written before is gone`;
    },
  },
  crash("feed", "what stood becomes HOLD; it starts again on its port and goes on"),
  crash("inference", "the table serves on; it starts again"),
  crash("ops", "signals go on; HTTP comes back on its port"),
];

function history<T>(directory: string, ask: (database: Database) => T): T {
  const database = new Database(join(directory, "history.db"), { readonly: true });
  try {
    return ask(database);
  } finally {
    database.close();
  }
}

function rows(directory: string): number {
  return history(directory, (database) => {
    const row = database.query("select count(*) as count from latency").get() as { count: number };
    return row.count;
  });
}

function integrity(directory: string): string {
  return history(directory, (database) => {
    const row = database.query("pragma integrity_check").get() as { integrity_check: string };
    return row.integrity_check;
  });
}
