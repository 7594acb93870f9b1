/** What the schema cannot say well about a tree: unknown keys, with the name that was meant. */
import { nearestName } from "./mistake.ts";
import { additional, type JsonSchema } from "./option.ts";

export interface TreeMistake {
  key: string;
  value: unknown;
  reason: string;
  remedy: string;
}

/**
 * Collects unknown keys and unquoted dates (which TOML makes objects of), and returns the tree
 * without them, so that each is reported once.
 */
export function prune(
  value: unknown,
  schema: JsonSchema,
  path: string,
  mistakes: TreeMistake[],
): unknown {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return value.map((item, index) => prune(item, items, `${path}[${index}]`, mistakes));
  }
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) {
    mistakes.push({
      key: path,
      value: String(value),
      reason: "is a date without quotes",
      remedy: `Put it in quotes: "${String(value)}".`,
    });
    return undefined;
  }
  const shape = schema.properties
    ? schema
    : (schema.anyOf ?? schema.oneOf)?.find((alternative) => alternative.properties);
  const known = shape?.properties;
  const kept: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const childPath = path === "" ? key : `${path}.${key}`;
    const childSchema = known === undefined ? openSchema(schema, key) : ownOf(known, key);
    const retired = known === undefined ? undefined : ownOf(shape?.retired ?? {}, key);
    if (retired !== undefined) {
      const shown = typeof child === "object" ? undefined : child;
      mistakes.push({ key: childPath, value: shown, reason: retired, remedy: "Leave it out." });
      continue;
    }
    if (childSchema === undefined) {
      mistakes.push(unknownKey(childPath, key, child, Object.keys(known ?? {}), path));
      continue;
    }
    const pruned = prune(child, childSchema, childPath, mistakes);
    if (pruned !== undefined) kept[key] = pruned;
  }
  return kept;
}

/** Names like toString are on every object, and are no options. */
function ownOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** A table of the reader's own keys takes any of them but the one that is not a plain property. */
function openSchema(schema: JsonSchema, key: string): JsonSchema | undefined {
  return key === "__proto__" ? undefined : additional(schema);
}

function unknownKey(
  path: string,
  key: string,
  value: unknown,
  known: readonly string[],
  parent: string,
): TreeMistake {
  const nearest = nearestName(key, known);
  const place = parent === "" ? "sections" : `keys of [${parent.replace(/\[\d+\]/g, "")}]`;
  return {
    key: path,
    value: typeof value === "object" ? undefined : value,
    reason: parent === "" ? "is no section" : "is no option",
    remedy:
      nearest === null
        ? known.length === 0
          ? "Leave it out."
          : `The ${place} are ${known.join(", ")}.`
        : `Did you mean ${parent === "" ? nearest : `${parent}.${nearest}`}?`,
  };
}
