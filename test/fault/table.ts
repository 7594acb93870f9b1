/** The table of faults as Markdown, for dist/faults.md and the README. */
import type { Fault } from "./fault.ts";

const head = ["fault", "injected", "promised", "seen"];

function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** `seen` by the fault's name. */
export function faultTable(faults: readonly Fault[], seen: ReadonlyMap<string, string>): string {
  const rows = faults.map(({ name, injected, promised }) =>
    [name, injected, promised, seen.get(name) ?? "not tried"].map(cell),
  );
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** Names of the faults in a table that `faultTable` wrote. */
export function faultNames(table: string): string[] {
  return table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split(" | ")[0]!.slice(2).trim());
}
