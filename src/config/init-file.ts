/** A configuration file with every option at its default, commented out. */
import { optionTable, sectionTable, type OptionRow } from "./option.ts";

export function initFile(): string {
  const header = [
    "# hftedge.toml: every option stands here at its default. Uncomment what should differ.",
    "# A flag wins over the environment, the environment over this file.",
    "# Check it with: hftedge config check",
    "# What reloads is taken over by a run on SIGHUP; the rest needs a restart.",
  ].join("\n");
  const sections = sectionTable().map(({ name, help, list }) => {
    const rows = optionTable().filter(({ section }) => section === name);
    // A commented header keeps an empty [[list]] from replacing its default by a bare table.
    const title = list ? `# [[${name}]]` : `[${name}]`;
    return [`# ${help}`, title, ...rows.map((row) => optionLines(row))].join("\n");
  });
  return `${[header, ...sections].join("\n\n")}\n`;
}

function optionLines(row: OptionRow): string {
  const facts = [
    row.bounds === null ? null : `${row.bounds}${row.unit === null ? "" : ` ${row.unit}`}`,
    row.choices === null ? null : row.choices.join(" | "),
    row.schema.defaultText === undefined ? null : `default: ${row.schema.defaultText}`,
    row.env,
    row.reload ? "reloads" : null,
  ].filter((fact) => fact !== null);
  const note = facts.length === 0 ? "" : ` (${facts.join("; ")})`;
  return `# ${row.help}${note}\n# ${row.key} = ${tomlValue(row.default)}`;
}

function tomlValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(
      ([key, child]) => `${JSON.stringify(key)} = ${tomlValue(child)}`,
    );
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  return value === undefined ? '""' : String(value);
}
