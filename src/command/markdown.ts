/** The README's tables of commands and options, from the same tables as the help. */
import { optionTable, sectionTable, type OptionRow } from "../config/option.ts";
import { everyCommand, type CommandSpec } from "./spec.ts";

export function commandMarkdown(program: CommandSpec): string {
  const rows = everyCommand(program)
    .filter(({ path, commands }) => path.length > 0 && commands.length === 0)
    .map(({ path, usage, summary }) => {
      const own = usage.replace("[options]", "").trim();
      const line = ["hftedge", ...path, own].filter((part) => part !== "").join(" ");
      return [`\`${line}\``, cell(summary)];
    });
  return table(["command", "what it does"], rows);
}

function optionMarkdown(): string {
  return sectionTable()
    .map(({ name, help, list }) => {
      const rows = optionTable().filter(({ section }) => section === name);
      const title = list
        ? `**\`[[${name}]]\`** ${help} As \`--${name}\` or \`HFTEDGE_${name.toUpperCase()}\`: URLs whose parameters are these keys.`
        : `**\`[${name}]\`** ${help}`;
      return `${title}\n\n${table(["key", "default", "values", "reloads", "meaning"], rows.map(optionCells))}`;
    })
    .join("\n\n");
}

function optionCells(row: OptionRow): string[] {
  const bounds = row.bounds === null ? "" : row.bounds;
  const plain = row.type === "any" ? row.form.replaceAll("|", " or ") : bounds;
  const values = row.choices?.join(", ") ?? [plain, row.unit ?? ""].join(" ").trim();
  return [
    `\`${row.key}\``,
    cell(row.defaultText),
    cell(values),
    row.reload ? "yes" : "",
    cell(row.help),
  ];
}

/** Columns are padded as the formatter would pad them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...rows].map((cells) => tableLine(cells, widths)).join("\n");
}

function tableLine(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((text, column) => text.padEnd(widths[column]!));
  return `| ${padded.join(" | ")} |`;
}

function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** Puts generated text between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export function replaceGenerated(document: string, name: string, generated: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`README.md lacks ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${generated}\n\n${document.slice(to)}`;
}

/** The document with its generated parts brought up to date. */
export function renderReadme(document: string, program: CommandSpec): string {
  const withCommands = replaceGenerated(document, "commands", commandMarkdown(program));
  return replaceGenerated(withCommands, "options", optionMarkdown());
}
