/** What the build baked in; from source the same names have values that say so. */
import manifest from "../../package.json" with { type: "json" };

declare const BUILD_VERSION: string | undefined;
declare const BUILD_COMMIT: string | undefined;
declare const BUILD_TIME: string | undefined;

export interface BuildFacts {
  version: string;
  /** Twelve digits of the commit, or "source". */
  commit: string;
  /** Time of that commit, not of the build: the same commit gives the same bytes. */
  committed: string;
  bun: string;
  sqlite: string;
  platform: string;
}

export function buildFacts(): BuildFacts {
  return {
    version: typeof BUILD_VERSION === "string" ? BUILD_VERSION : manifest.version,
    commit: typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "source",
    committed: typeof BUILD_TIME === "string" ? BUILD_TIME : "unknown",
    bun: Bun.version,
    sqlite: process.versions["sqlite"] ?? "unknown",
    platform: `${process.platform}-${process.arch}`,
  };
}

/** True in the compiled binary. */
export const compiled = typeof BUILD_VERSION === "string";
