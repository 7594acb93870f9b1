/** The option table: one row an option, walked from the schema's JSON form. */
import { z } from "zod";
import { configSchema } from "./schema.ts";

/** The part of JSON schema that zod writes for our options. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
  properties?: Readonly<Record<string, JsonSchema>>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  unit?: string;
  secret?: boolean;
  /** On an option or on its whole section: a run takes a new value over without a restart. */
  reload?: boolean;
  defaultText?: string;
  /** Keys that older documents name and that are no more: why, in words that follow the key. */
  retired?: Readonly<Record<string, string>>;
}

export type OptionType =
  "integer" | "number" | "boolean" | "string" | "list" | "table" | "tables" | "any";

export interface OptionRow {
  /** "http.listen"; in a list of tables "feed[].name". */
  path: string;
  section: string;
  /** Part of the path after the section. */
  key: string;
  /** Null where the option is one of a list of tables: there the URL form carries it. */
  env: string | null;
  flag: string | null;
  type: OptionType;
  /** What a value looks like, for help texts: "N", "true|false", "a|b|c", "TEXT,…". */
  form: string;
  /** "1..60000", or null where nothing bounds it. */
  bounds: string | null;
  unit: string | null;
  default: unknown;
  /** The default as people read it. */
  defaultText: string;
  help: string;
  secret: boolean;
  /** SIGHUP brings a new value into force; what has none of this needs a restart. */
  reload: boolean;
  choices: readonly string[] | null;
  schema: JsonSchema;
}

export interface SectionRow {
  name: string;
  help: string;
  /** A [[list]] of tables rather than one [table]. */
  list: boolean;
}

let jsonSchema: JsonSchema | null = null;

/** JSON schema of the file, for editors and for the walk below. */
export function configJsonSchema(): JsonSchema {
  jsonSchema ??= z.toJSONSchema(configSchema, {
    io: "input",
    unrepresentable: "any",
  }) as unknown as JsonSchema;
  return jsonSchema;
}

export function sectionTable(): readonly SectionRow[] {
  return Object.entries(configJsonSchema().properties ?? {}).map(([name, schema]) => ({
    name,
    help: schema.description ?? "",
    list: schema.type === "array",
  }));
}

let table: readonly OptionRow[] | null = null;

export function optionTable(): readonly OptionRow[] {
  table ??= Object.entries(configJsonSchema().properties ?? {}).flatMap(([section, schema]) =>
    schema.type === "array"
      ? rowsOf(section, schema.items ?? {}, `${section}[]`, false, schema.reload === true)
      : rowsOf(section, schema, section, true, schema.reload === true),
  );
  return table;
}

function rowsOf(
  section: string,
  schema: JsonSchema,
  prefix: string,
  named: boolean,
  reload: boolean,
): OptionRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = `${prefix}.${key}`;
    return property.properties === undefined
      ? [rowOf(section, path, property, named, reload)]
      : rowsOf(section, property, path, named, reload);
  });
}

function rowOf(
  section: string,
  path: string,
  schema: JsonSchema,
  named: boolean,
  reload: boolean,
): OptionRow {
  const words = path.replaceAll("[]", "").split(".").flatMap(splitWords);
  return {
    path,
    section,
    key: path.replace(/^[^.]+\./, ""),
    env: named ? `HFTEDGE_${words.join("_").toUpperCase()}` : null,
    flag: named ? `--${words.join("-")}` : null,
    type: typeOf(schema),
    form: formOf(schema),
    bounds: boundsOf(schema),
    unit: schema.unit ?? null,
    default: schema.default,
    defaultText: schema.defaultText ?? formatDefault(schema.default),
    help: schema.description ?? "",
    secret: schema.secret === true,
    reload: schema.reload ?? reload,
    choices: choicesOf(schema),
    schema,
  };
}

/** "maxAgeMs" → max, age, ms; "top_k" → top, k. */
function splitWords(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[ _]/);
}

function typeOf(schema: JsonSchema): OptionType {
  switch (schema.type) {
    case "integer":
    case "number":
    case "boolean":
    case "string":
      return schema.type;
    case "array":
      return schema.items?.type === "object" ? "tables" : "list";
    case "object":
      return "table";
    default:
      return schema.enum ? "string" : "any";
  }
}

function choicesOf(schema: JsonSchema): readonly string[] | null {
  if (schema.type === "boolean") return ["true", "false"];
  if (schema.enum) return schema.enum.map(String);
  return null;
}

function formOf(schema: JsonSchema): string {
  const choices = choicesOf(schema);
  if (choices) return choices.join("|");
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) {
    return alternatives
      .map((a) => (a.const === undefined ? formOf(a) : formatDefault(a.const)))
      .join("|");
  }
  switch (typeOf(schema)) {
    case "integer":
    case "number":
      return "N";
    case "list":
      return `${formOf(schema.items ?? {})},...`;
    case "table":
      // Pairs are for plain values; what is nested is written as JSON.
      return additional(schema).properties ? "JSON" : `KEY=${formOf(additional(schema))},...`;
    case "tables":
      return "JSON";
    default:
      return "TEXT";
  }
}

/** The schema of a record's values. */
export function additional(schema: JsonSchema): JsonSchema {
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
}

function boundsOf(schema: JsonSchema): string | null {
  const low = chosenBound(schema.minimum);
  const high = chosenBound(schema.maximum);
  if (low !== undefined && high !== undefined) return `${low}..${high}`;
  if (schema.exclusiveMinimum !== undefined) {
    return high === undefined
      ? `above ${schema.exclusiveMinimum}`
      : `above ${schema.exclusiveMinimum}, up to ${high}`;
  }
  if (low !== undefined) return `at least ${low}`;
  if (high !== undefined) return `at most ${high}`;
  return null;
}

/** Integers have the limits of a double as bounds where the option has none of its own. */
function chosenBound(bound: number | undefined): number | undefined {
  return bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;
}

export function formatDefault(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return value === "" ? "none" : value;
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    return value.every((v) => typeof v !== "object") ? value.join(",") : JSON.stringify(value);
  }
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 ? "none" : JSON.stringify(value);
  }
  return String(value);
}
