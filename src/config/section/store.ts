import { z } from "zod";

const mebibytes = (least: number, fallback: number, help: string) =>
  z.int().min(least).max(16_777_216).default(fallback).describe(help).meta({ unit: "MiB" });

const rows = (fallback: number, help: string) =>
  z.int().min(100).max(1_000_000_000).default(fallback).describe(help).meta({ unit: "rows" });

const hours = (fallback: number, help: string) =>
  z.int().min(1).max(876_000).default(fallback).describe(help).meta({ unit: "h" });

/** [store]: the history database and its bounds. */
export const storeSection = z
  .strictObject({
    synchronous: z
      .enum(["normal", "full"])
      .default("normal")
      .describe(
        "Full survives a power cut to the last second; normal may lose the last ones then, never in a crash.",
      ),
    keepSeconds: hours(24, "How long rows of one second are kept."),
    keepTenSeconds: hours(168, "How long rows of ten seconds are kept; not less than keepSeconds."),
    keepMinutes: hours(2160, "How long rows of a minute are kept; not less than keepTenSeconds."),
    keepTenMinutes: hours(
      8760,
      "How long rows of ten minutes are kept; at least keepMinutes, at most keepHours.",
    ),
    keepHours: hours(17_520, "How long rows of an hour are kept; not less than keepMinutes."),
    sizeMaxMb: mebibytes(
      64,
      8192,
      "Size of the file above which the oldest, finest rows go early.",
    ),
    signalRowsMax: rows(500_000, "Most signals kept."),
    signalsPerSecondMax: rows(2000, "Most signals stored in one second; the rest is counted."),
    recordRowsMax: rows(100_000, "Most alerts, gaps and events kept, each."),
    decisionRowsMax: rows(1_000_000, "Most decisions kept for the second level of the cache."),
    freeMinMb: mebibytes(1, 256, "Free disk space below which old rows are deleted early."),
    ballastMb: mebibytes(0, 16, "Reserve file that is given up when the disk is full; 0 for none."),
    bufferSecondsMax: z
      .int()
      .min(1)
      .max(86_400)
      .default(900)
      .describe("Seconds of history that wait in memory while nothing can be written.")
      .meta({ unit: "s" }),
    queryCacheMb: mebibytes(
      0,
      32,
      "Memory for the past that dashboards ask for again; 0 for none.",
    ),
    checkMaxMb: mebibytes(0, 256, "Largest file that is checked page by page after a crash."),
    damagedFilesMax: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe("Damaged files that are kept for inspection; older ones are deleted."),
  })
  .superRefine((section, context) => {
    const order = ["keepSeconds", "keepTenSeconds", "keepMinutes", "keepHours"] as const;
    for (let i = 1; i < order.length; i++) {
      const [finer, coarser] = [order[i - 1]!, order[i]!];
      if (section[coarser] >= section[finer]) continue;
      context.addIssue({ code: "custom", path: [coarser], message: `is below ${finer}` });
    }
  });
