/** Text from the environment and from flags, brought into the shape that the file has. */
import { splitQuery } from "./address.ts";
import { additional, type JsonSchema } from "./option.ts";

/** Text that does not fit is handed on as it is, so that the schema can refuse it by name. */
export function fromText(text: string, schema: JsonSchema): unknown {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return fromAlternatives(text, alternatives);
  switch (schema.type) {
    case "integer":
    case "number":
      return /^[+-]?(?:\d[\d_]*)(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text)
        ? Number(text.replaceAll("_", ""))
        : text;
    case "boolean":
      if (/^(?:true|yes|on|1)$/i.test(text)) return true;
      if (/^(?:false|no|off|0)$/i.test(text)) return false;
      return text;
    case "array":
      return fromList(text, schema.items ?? {});
    case "object":
      return fromPairs(text, schema);
    default:
      return text;
  }
}

/** The first alternative that changes the text or names it wins; else it stays text. */
function fromAlternatives(text: string, alternatives: readonly JsonSchema[]): unknown {
  for (const alternative of alternatives) {
    if (alternative.const !== undefined && String(alternative.const) === text) {
      return alternative.const;
    }
    if (alternative.enum?.includes(text) === true) return text;
  }
  for (const alternative of alternatives) {
    const value = fromText(text, alternative);
    if (value !== text) return value;
  }
  return text;
}

function fromList(text: string, items: JsonSchema): unknown {
  if (text === "") return [];
  if (text.startsWith("[") || items.type === "object") return fromJson(text);
  return text.split(",").map((part) => fromText(part.trim(), items));
}

function fromPairs(text: string, schema: JsonSchema): unknown {
  if (text === "") return {};
  if (text.startsWith("{")) return fromJson(text);
  const values = additional(schema);
  const pairs = text.split(",").map((pair): [string, unknown] | null => {
    // The last sign: units of the American exchanges are symbols that end in one.
    const at = pair.lastIndexOf("=");
    return at < 0 ? null : [pair.slice(0, at).trim(), fromText(pair.slice(at + 1).trim(), values)];
  });
  return pairs.every((pair) => pair !== null) ? Object.fromEntries(pairs) : text;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function propertyOf(schema: JsonSchema, key: string): JsonSchema | undefined {
  const properties = schema.properties ?? {};
  return Object.hasOwn(properties, key) ? properties[key] : undefined;
}

/** Keeps a parameter named __proto__ a property, so that it is refused as unknown. */
function set(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** Query parameters that belong to a feed's line rather than to the feed. */
const lineParameters = ["interface", "source"];

/**
 * `udp://HOST:PORT?format=itch50&name=nasdaq&interface=eth1`: any key of [[feed]] may be a
 * parameter. A second URL with the same name adds its line to the first.
 */
export function feedsFromUrls(urls: readonly string[], items: JsonSchema): unknown[] {
  const feeds: Record<string, unknown>[] = [];
  for (const url of urls) {
    const [address, query] = splitQuery(url.trim());
    const line: string[] = [];
    const feed: Record<string, unknown> = {};
    for (const [key, value] of new URLSearchParams(query)) {
      if (lineParameters.includes(key)) line.push(`${key}=${value}`);
      else set(feed, key, fromText(value, propertyOf(items, key) ?? {}));
    }
    const lines = [line.length === 0 ? address : `${address}?${line.join("&")}`];
    const same = feeds.find(
      (other) => other["name"] !== undefined && other["name"] === feed["name"],
    );
    if (same === undefined) feeds.push({ ...feed, lines });
    else Object.assign(same, feed, { lines: [...(same["lines"] as string[]), ...lines] });
  }
  return feeds;
}

/** `stdout://` or `udp://HOST:PORT?encoding=json&heartbeatMs=500`. */
export function sinksFromUrls(urls: readonly string[], items: JsonSchema): unknown[] {
  return urls.map((url) => {
    const [address, query] = splitQuery(url.trim());
    const rest: string[] = [];
    const sink: Record<string, unknown> = {};
    for (const [key, value] of new URLSearchParams(query)) {
      const property = key === "url" ? undefined : propertyOf(items, key);
      if (property === undefined) rest.push(`${key}=${value}`);
      else sink[key] = fromText(value, property);
    }
    return { ...sink, url: rest.length === 0 ? address : `${address}?${rest.join("&")}` };
  });
}

export function splitUrls(text: string): string[] {
  // Commas also separate a feed's symbols, so a comma counts only before the next URL.
  return text.split(/[,\s]+(?=[a-z]+:\/\/)|\s+/).filter((url) => url !== "");
}
