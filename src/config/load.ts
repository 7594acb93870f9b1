/**
 * Flag > environment > file > default, with the origin of every value, and every mistake at once.
 */
import type { core } from "zod";
import { contradictions } from "./cross-check.ts";
import { dataDirectory } from "./data-directory.ts";
import { keyOf, reasonOf, remedyOf, valueAt } from "./issue.ts";
import { ConfigError, nearestName, type Mistake, type Origin } from "./mistake.ts";
import { configJsonSchema, optionTable, sectionTable, type OptionRow } from "./option.ts";
import { configSchema, type Config } from "./schema.ts";
import { feedsFromUrls, fromText, sinksFromUrls, splitUrls } from "./source.ts";
import { findFile, readToml, type TomlFile } from "./toml.ts";
import { prune, type TreeMistake } from "./unknown.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadInput {
  /** Flag texts by option path ("http.listen"), lists of URLs under "feed" and "sink", and "config". */
  flags: Readonly<Record<string, string | readonly string[]>>;
  env: Environment;
  /** Where ./hftedge.toml is looked for. */
  directory: string;
  userId: number;
  systemFile?: string;
}

export interface LoadedConfig {
  config: Config;
  /** By option path; whole lists ("feed") have one origin. What is missing here is a default. */
  origins: ReadonlyMap<string, Origin>;
  file: string | null;
  dataDirectory: string;
}

interface Tree {
  values: Record<string, unknown>;
  origins: Map<string, Origin>;
  mistakes: Mistake[];
}

/** @throws ConfigError with every mistake, or EdgeError for a file that cannot be read or parsed. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const named = textOf(input.flags["config"]) ?? given(input.env["HFTEDGE_CONFIG"]);
  const path = findFile(named, input.directory, input.systemFile);
  const tree: Tree = { values: {}, origins: new Map(), mistakes: [] };
  const file = path === null ? null : readToml(path);
  if (file !== null) addFile(tree, file);
  addEnvironment(tree, input.env);
  addFlags(tree, input.flags);
  nameFeeds(tree.values);
  const config = validate(tree);
  return {
    config,
    origins: tree.origins,
    file: path,
    dataDirectory: dataDirectory(config.data.directory, input.env, input.userId),
  };
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}

/** An empty variable counts as one that is not set. */
function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function addFile(tree: Tree, file: TomlFile): void {
  const found: TreeMistake[] = [];
  tree.values = prune(file.tree, configJsonSchema(), "", found) as Record<string, unknown>;
  for (const mistake of found) {
    tree.mistakes.push({ ...mistake, where: lineOf(file, mistake.key) });
  }
  for (const row of optionTable()) {
    if (row.env !== null && valueAt(tree.values, row.path.split(".")) !== undefined) {
      tree.origins.set(row.path, { kind: "file", where: lineOf(file, row.path) });
    }
  }
  for (const { name, list } of sectionTable()) {
    if (!list || !Array.isArray(tree.values[name])) continue;
    tree.origins.set(name, { kind: "file", where: file.path });
    for (const [key, line] of file.lines) {
      if (key.startsWith(`${name}[`)) {
        tree.origins.set(key, { kind: "file", where: `${file.path}:${line}` });
      }
    }
  }
}

function lineOf(file: TomlFile, key: string): string {
  for (let path = key; path !== ""; path = parentOf(path)) {
    const line = file.lines.get(path);
    if (line !== undefined) return `${file.path}:${line}`;
  }
  return file.path;
}

/** "feed[0].lines[1]" → "feed[0].lines" → "feed[0]" → "feed" → "". */
function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
}

function addEnvironment(tree: Tree, env: Environment): void {
  const rows = new Map(optionTable().flatMap((row) => (row.env === null ? [] : [[row.env, row]])));
  const lists = new Map(
    sectionTable().flatMap(({ name, list }) =>
      list ? [[`HFTEDGE_${name.toUpperCase()}`, name]] : [],
    ),
  );
  for (const [name, value] of Object.entries(env)) {
    const text = given(value);
    if (text === undefined || !name.startsWith("HFTEDGE_")) continue;
    const origin: Origin = { kind: "env", where: name };
    const row = rows.get(name);
    const list = lists.get(name);
    if (row !== undefined) setOption(tree, row, text, origin);
    else if (list !== undefined) setList(tree, list, [text], origin);
    else if (name !== "HFTEDGE_CONFIG" && !name.startsWith("HFTEDGE_TEST_")) {
      const nearest = nearestName(name, [...rows.keys(), ...lists.keys()]);
      tree.mistakes.push({
        key: name,
        value: text,
        where: "environment",
        reason: "is no option",
        remedy: nearest === null ? "Unset it." : `Did you mean ${nearest}?`,
      });
    }
  }
}

function addFlags(tree: Tree, flags: LoadInput["flags"]): void {
  for (const row of optionTable()) {
    const text = textOf(flags[row.path]);
    if (row.flag === null || text === undefined) continue;
    setOption(tree, row, text, { kind: "flag", where: row.flag });
  }
  for (const { name, list } of sectionTable()) {
    const urls = flags[name];
    if (!list || urls === undefined || urls.length === 0) continue;
    const texts = typeof urls === "string" ? [urls] : urls;
    setList(tree, name, texts, { kind: "flag", where: `--${name}` });
  }
}

function setOption(tree: Tree, row: OptionRow, text: string, origin: Origin): void {
  const parts = row.path.split(".");
  let node = tree.values;
  for (const part of parts.slice(0, -1)) {
    const child = node[part];
    node = node[part] = typeof child === "object" && child !== null ? { ...child } : {};
  }
  node[parts.at(-1)!] = fromText(text, row.schema);
  tree.origins.set(row.path, origin);
}

/** A list given by a flag or the environment replaces the whole list of the file. */
function setList(tree: Tree, name: string, texts: readonly string[], origin: Origin): void {
  const items = configJsonSchema().properties?.[name]?.items ?? {};
  const raw =
    name === "feed"
      ? feedsFromUrls(texts.flatMap(splitUrls), items)
      : name === "sink"
        ? sinksFromUrls(texts.flatMap(splitUrls), items)
        : texts.flatMap((text) => fromText(text, { type: "array", items }));
  for (const key of tree.origins.keys()) {
    if (key === name || key.startsWith(`${name}[`)) tree.origins.delete(key);
  }
  tree.mistakes = tree.mistakes.filter(({ key }) => !key.startsWith(`${name}[`));
  const found: TreeMistake[] = [];
  tree.values[name] = prune(raw, { type: "array", items }, name, found);
  for (const mistake of found) tree.mistakes.push({ ...mistake, where: origin.where });
  tree.origins.set(name, origin);
}

/** A feed without a name has its format's. */
function nameFeeds(values: Record<string, unknown>): void {
  const feeds = (values["feed"] ??= [{}]);
  if (!Array.isArray(feeds)) return;
  values["feed"] = feeds.map((feed: unknown) => {
    if (typeof feed !== "object" || feed === null) return feed;
    const { name, format } = feed as { name?: unknown; format?: unknown };
    return name === undefined || name === "" ? { ...feed, name: format ?? "tick" } : feed;
  });
}

function validate(tree: Tree): Config {
  const parsed = configSchema.safeParse(tree.values);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) tree.mistakes.push(mistakeOf(tree, issue));
  }
  const whole = parsed.success ? parsed.data : withoutMistakes(tree, parsed.error.issues);
  if (whole !== null) {
    const wrong = new Set(tree.mistakes.map(({ key }) => key));
    for (const contradiction of contradictions(whole)) {
      if (wrong.has(contradiction.key)) continue;
      const where = originOf(tree.origins, contradiction.key).where;
      tree.mistakes.push({ ...contradiction, where });
    }
  }
  if (tree.mistakes.length > 0 || !parsed.success) throw new ConfigError(tree.mistakes);
  return parsed.data;
}

/** Origin of a value or of what contains it. */
export function originOf(origins: ReadonlyMap<string, Origin>, key: string): Origin {
  for (let path = key; path !== ""; path = parentOf(path)) {
    const origin = origins.get(path);
    if (origin !== undefined) return origin;
  }
  return { kind: "default", where: "default" };
}

function mistakeOf(tree: Tree, issue: core.$ZodIssue): Mistake {
  const key = keyOf(issue.path);
  const row = rowAt(key);
  const value = valueAt(tree.values, issue.path);
  return {
    key,
    value: row?.secret === true ? undefined : value,
    where: originOf(tree.origins, key).where,
    reason: reasonOf(issue),
    remedy: remedyOf(row, issue, value),
  };
}

function rowAt(key: string): OptionRow | null {
  const general = key.replace(/\[\d+\]/g, "[]");
  const rows = optionTable();
  for (let path = general; path !== ""; path = parentOf(path)) {
    const row = rows.find((candidate) => candidate.path === path);
    if (row !== undefined) return row;
  }
  return null;
}

/** The same configuration with its mistaken options at their defaults, for the checks between options. */
function withoutMistakes(tree: Tree, issues: readonly core.$ZodIssue[]): Config | null {
  const values = structuredClone(tree.values);
  for (const { path } of issues) {
    const option = path.findLastIndex((part) => typeof part === "string");
    const parent = valueAt(values, path.slice(0, option)) as Record<PropertyKey, unknown> | null;
    if (option >= 0 && typeof parent === "object" && parent !== null) delete parent[path[option]!];
  }
  nameFeeds(values);
  const parsed = configSchema.safeParse(values);
  return parsed.success ? parsed.data : null;
}
