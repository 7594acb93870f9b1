import { EdgeError } from "../error.ts";

/** Where a value came from; the first of these that has it wins. */
type OriginKind = "flag" | "env" | "file" | "default";

export interface Origin {
  kind: OriginKind;
  /** "--http-listen", "HFTEDGE_HTTP_LISTEN", "hftedge.toml:12" or "default". */
  where: string;
}

/** One thing that is wrong with the configuration. */
export interface Mistake {
  /** "http.listen", "feed[0].lines[1]". */
  key: string;
  /** As it was given; undefined where nothing was. */
  value: unknown;
  where: string;
  /** Words that follow the value: "is not HOST:PORT". */
  reason: string;
  /** One imperative sentence. */
  remedy: string;
}

/** Every mistake of a configuration at once. */
export class ConfigError extends EdgeError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "one mistake" : `${mistakes.length} mistakes`;
    const lines = mistakes.map((mistake) => `  ${describeMistake(mistake)}`);
    super(
      "CONFIG_INVALID",
      `the configuration has ${count}\n${lines.join("\n")}`,
      "`hftedge config print --origins` shows every option, its value and where it comes from.",
    );
    this.mistakes = mistakes;
  }
}

function describeMistake({ key, value, where, reason, remedy }: Mistake): string {
  const shown = value === undefined ? "" : ` = ${shorten(value)}`;
  return `${key}${shown} (${where}): ${reason}. ${remedy}`;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The known name within a third of the name's length in edits, if there is one. */
export function nearestName(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(current[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1);
      }
      current.push(least);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
