/** Defects of Ollama's versions that cost latency or safety here. */

interface Defect {
  /** The first version without it. */
  fixedIn: string;
  words: string;
}

const defects: readonly Defect[] = [
  {
    fixedIn: "0.1.29",
    words: "web pages can reach it through DNS rebinding (CVE-2024-28224, fixed in 0.1.29)",
  },
  {
    fixedIn: "0.12.11",
    words:
      "it has no log-probabilities, so that the model's confidence cannot be read (they came with 0.12.11)",
  },
  {
    fixedIn: "0.32.15",
    words: "every warm request reads the model's metadata again, 94 to 300 ms (fixed in 0.32.15)",
  },
];

interface Version {
  parts: number[];
  candidate: boolean;
}

function parseVersion(text: string): Version {
  const [core = "", suffix = ""] = text.replace(/^v/, "").split(/-(.*)/s);
  return {
    parts: core.split(".").map((part) => Number(part) || 0),
    candidate: /^rc/i.test(suffix),
  };
}

/** Compares "0.32.9" and "0.32.15" by number; a release candidate comes before its release. */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a);
  const right = parseVersion(b);
  for (let index = 0; index < Math.max(left.parts.length, right.parts.length); index++) {
    const difference = (left.parts[index] ?? 0) - (right.parts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(right.candidate) - Number(left.candidate);
}

/** What is known to be wrong with a version; nothing for one that is built from source ("0.0.0"). */
export function knownDefects(version: string): string[] {
  if (/^v?0\.0\.0/.test(version) || !/^v?\d+\.\d+/.test(version)) return [];
  return defects
    .filter(({ fixedIn }) => compareVersions(version, fixedIn) < 0)
    .map(({ words }) => words);
}
