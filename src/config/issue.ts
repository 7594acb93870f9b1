/** The schema's issues in words that name the value's fault and what to write instead. */
import type { core } from "zod";
import { nearestName } from "./mistake.ts";
import type { OptionRow } from "./option.ts";

export function keyOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === "number") return `${key}[${part}]`;
    return key === "" ? String(part) : `${key}.${String(part)}`;
  }, "");
}

export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (node, part) => (node as Record<PropertyKey, unknown> | null | undefined)?.[part],
    tree,
  );
}

const typeNames: Record<string, string> = {
  int: "an integer",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  string: "text",
  array: "a list",
  object: "a table",
  record: "a table",
};

export function reasonOf(issue: core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `is not ${typeNames[issue.expected] ?? issue.expected}`;
    case "too_small": {
      if (issue.origin === "array") return `has fewer than ${issue.minimum} entries`;
      if (issue.origin === "string") return `is shorter than ${issue.minimum} characters`;
      return issue.inclusive === false
        ? `is not above ${issue.minimum}`
        : `is below ${issue.minimum}`;
    }
    case "too_big": {
      if (issue.origin === "array") return `has more than ${issue.maximum} entries`;
      if (issue.origin === "string") return `is longer than ${issue.maximum} characters`;
      return `is above ${issue.maximum}`;
    }
    case "invalid_value":
      return `is none of ${issue.values.map(String).join(", ")}`;
    case "invalid_key":
      return `has a bad key: ${issue.issues[0] ? reasonOf(issue.issues[0]) : issue.message}`;
    case "invalid_union":
      return "is none of the forms that this option takes";
    default:
      return issue.message.startsWith("Invalid") ? "has the wrong form" : issue.message;
  }
}

/** "Give an integer, 1..60000 ms; the default is 100." */
export function remedyOf(row: OptionRow | null, issue: core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_value" && typeof value === "string") {
    const nearest = nearestName(value, issue.values.map(String));
    if (nearest !== null) return `Did you mean ${nearest}?`;
  }
  if (row === null || row.type === "tables") return "`hftedge config init` shows its form.";
  const unit = row.unit === null ? "" : ` ${row.unit}`;
  const range = row.bounds === null ? "" : `, ${row.bounds}${unit}`;
  const standard = row.defaultText === "none" ? "" : `; the default is ${row.defaultText}`;
  return `Give ${expected(row)}${range}${standard}.`;
}

function expected(row: OptionRow): string {
  if (row.choices) return row.choices.join(" or ");
  switch (row.type) {
    case "integer":
      return "an integer";
    case "number":
      return "a number";
    case "list":
      return "a list of values";
    case "table":
      return "a table of KEY = value";
    case "tables":
      return "a list of tables";
    case "string":
      return "text";
    default:
      return row.form;
  }
}
