/** A unified diff of two small texts; tune's files have tens of lines. */

interface Edit {
  mark: " " | "-" | "+";
  line: string;
}

const contextLines = 3;
/** Above this many lines on a side the table of the longest common subsequence gets too large. */
const linesMax = 2000;

function linesOf(text: string | null): string[] {
  if (text === null || text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/** Edits by longest common subsequence; lengths[i][j] is that of a[i..] and b[j..]. */
function editsOf(a: readonly string[], b: readonly string[]): Edit[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const edits: Edit[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ mark: " ", line: a[i]! });
      i++;
      j++;
    } else if (
      j >= b.length ||
      (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) {
      edits.push({ mark: "-", line: a[i++]! });
    } else {
      edits.push({ mark: "+", line: b[j++]! });
    }
  }
  return edits;
}

/** The change of one file as `diff -u` shows it; null stands for a file that is not there. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const a = linesOf(before);
  const b = linesOf(after);
  const names = [
    `--- ${before === null ? "/dev/null" : path}`,
    `+++ ${after === null ? "/dev/null" : path}`,
  ];
  if (a.length > linesMax || b.length > linesMax)
    return [...names, "(too long to show)", ""].join("\n");
  const edits = editsOf(a, b);
  const shown = edits.map((_, at) =>
    edits
      .slice(Math.max(0, at - contextLines), at + contextLines + 1)
      .some(({ mark }) => mark !== " "),
  );
  const out = [...names];
  let oldLine = 1;
  let newLine = 1;
  for (let at = 0; at < edits.length;) {
    if (!shown[at]) {
      oldLine++;
      newLine++;
      at++;
      continue;
    }
    let end = at;
    while (end < edits.length && shown[end]) end++;
    const hunk = edits.slice(at, end);
    const oldCount = hunk.filter(({ mark }) => mark !== "+").length;
    const newCount = hunk.filter(({ mark }) => mark !== "-").length;
    // An empty side starts at line 0, as diff(1) has it.
    out.push(
      `@@ -${oldCount === 0 ? 0 : oldLine},${oldCount} +${newCount === 0 ? 0 : newLine},${newCount} @@`,
      ...hunk.map(({ mark, line }) => mark + line),
    );
    oldLine += oldCount;
    newLine += newCount;
    at = end;
  }
  return `${out.join("\n")}\n`;
}
