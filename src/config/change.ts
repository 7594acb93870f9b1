/** What differs between two configurations, and what of it a run can take over. */
import { valueAt } from "./issue.ts";
import { optionTable, sectionTable, type OptionRow } from "./option.ts";
import type { Config } from "./schema.ts";

export interface ConfigChange {
  /** Options that differ and reload: "alert.quietMs", "feed[0].silenceMs"; a whole list by its name. */
  live: string[];
  /** Options that differ and need a restart. */
  restart: string[];
  /** The configuration of before with what reloads taken over. */
  effective: Config;
}

type Tree = Record<string, unknown>;

export function changeOf(before: Config, after: Config): ConfigChange {
  const effective = structuredClone(before) as unknown as Tree;
  const change = { live: [] as string[], restart: [] as string[] };
  for (const { name, list } of sectionTable()) {
    const rows = optionTable().filter(({ section }) => section === name);
    const [old, wanted] = [before, after].map((config) => (config as unknown as Tree)[name]);
    if (!list) compare(rows, name, old, wanted, effective[name]);
    else compareLists(rows, name, old as Tree[], wanted as Tree[]);
  }
  return { ...change, effective: effective as unknown as Config };

  function compareLists(rows: OptionRow[], name: string, old: Tree[], wanted: Tree[]): void {
    // A list whose every option reloads is taken over whole, whatever its length.
    if (rows.every(({ reload }) => reload)) {
      if (Bun.deepEquals(old, wanted)) return;
      change.live.push(name);
      effective[name] = structuredClone(wanted);
    } else if (old.length !== wanted.length) change.restart.push(name);
    else {
      old.forEach((item, index) => {
        const target = (effective[name] as Tree[])[index];
        compare(rows, `${name}[${index}]`, item, wanted[index], target);
      });
    }
  }

  function compare(
    rows: OptionRow[],
    prefix: string,
    old: unknown,
    wanted: unknown,
    target: unknown,
  ): void {
    for (const { key, reload } of rows) {
      const parts = key.split(".");
      const value = valueAt(wanted, parts);
      if (Bun.deepEquals(valueAt(old, parts), value)) continue;
      (reload ? change.live : change.restart).push(`${prefix}.${key}`);
      if (reload) {
        (valueAt(target, parts.slice(0, -1)) as Tree)[parts.at(-1)!] = structuredClone(value);
      }
    }
  }
}
