/** The disk under the history. */
import { Database } from "bun:sqlite";
import { readFileSync, statfsSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyDirectory } from "../../support/directory.ts";
import { mountRefusal, smallDisk } from "../../support/small-disk.ts";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";

const mebibyte = 1_048_576;

/** Takes what the disk has left. The program writes meanwhile, so that there may be less of it. */
function fill(disk: string, path: string): void {
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(path, new Uint8Array(bavail * bsize));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

export const diskFaults: readonly Fault[] = [
  {
    name: "the disk is full",
    injected: "a small tmpfs as data directory, filled by another file, freed later",
    promised: "signals go on; /readyz says that history is in memory; it is written afterwards",
    skip: mountRefusal(),
    limitMs: 120_000,
    async provoke() {
      using disk = smallDisk(24 * mebibyte)!;
      await using edge = await FaultEdge.start({
        args: [
          `--data-directory=${disk.path}`,
          "--store-free-min-mb=2",
          "--store-ballast-mb=1",
          "--signal-emit=every",
        ],
      });
      await edge.works();
      const filler = join(disk.path, "filler");
      fill(disk.path, filler);
      const fullMs = performance.now();
      // What the reserve file gave up is taken as well, until nothing is left.
      let turn = 0;
      for (;;) {
        await edge.decides();
        if (/memory only/.test(await edge.readiness())) break;
        if (statfsSync(disk.path).bavail > 0) fill(disk.path, `${filler}${turn++}`);
        promise(performance.now() - fullMs < 30_000, "nobody was told that the disk is full");
      }
      const toldMs = performance.now() - fullMs;
      await edge.works();
      for (let i = 0; i < turn; i++) unlinkSync(`${filler}${i}`);
      unlinkSync(filler);
      const freedMs = performance.now();
      await edge.readyz(/"ready"/);
      const backMs = performance.now() - freedMs;
      await edge.ends();
      return `said so after ${duration(toldMs)}; signals and HTTP went on; on disk again ${duration(backMs)} after it was freed`;
    },
  },
  {
    name: "the disk is slow",
    injected:
      "the history's file locked by another process for 3 s, so that no write comes through",
    promised: "signals and HTTP go on; what waited is written afterwards",
    async provoke() {
      using folder = emptyDirectory();
      await using edge = await FaultEdge.start({
        args: [`--data-directory=${folder.path}`, "--signal-emit=every"],
      });
      await edge.works();
      const database = new Database(join(folder.path, "history.db"));
      database.run("pragma busy_timeout = 5000");
      database.run("begin immediate");
      const endMs = performance.now() + 3000;
      let slowestMs = 0;
      while (performance.now() < endMs) slowestMs = Math.max(slowestMs, await edge.decides());
      const at = Math.floor(Date.now() / 1000);
      database.run("rollback");
      database.close();
      await edge.works();
      await edge.readyz(/"ready"/);
      await edge.ends();
      const reader = new Database(join(folder.path, "history.db"), { readonly: true });
      const row = reader
        .query(
          "select count(distinct start) as seconds from latency_row where start >= ? - 3 and start < ?",
        )
        .get(at, at) as { seconds: number };
      reader.close();
      promise(row.seconds > 0, "the seconds under the lock are missing");
      return `slowest decision ${duration(slowestMs)}; the seconds under the lock are in the history`;
    },
  },
  {
    name: "the disk is corrupt",
    injected: "20 KB of noise over the beginning of the history's file, then a start",
    promised: "starts with a new history, keeps the damaged file, says where",
    async provoke() {
      using folder = emptyDirectory();
      const args = [`--data-directory=${folder.path}`];
      const file = join(folder.path, "history.db");
      {
        await using edge = await FaultEdge.start({ args });
        await edge.works();
        await edge.ends();
      }
      const bytes = readFileSync(file);
      crypto.getRandomValues(bytes.subarray(0, 20_000));
      writeFileSync(file, bytes);
      await using edge = await FaultEdge.start({ args });
      const [, kept = ""] = await edge.running.until("stderr", /it is kept as (\S+),/);
      await edge.works();
      await edge.ends();
      promise(readFileSync(kept).equals(bytes), "the damaged file was changed");
      return "a new history at once; the damaged file kept as it was and named";
    },
  },
];
