/** Whatever a configuration holds, it is loaded, or refused with words; nothing else. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/mistake.ts";
import { optionTable, sectionTable } from "../../src/config/option.ts";
import { configSchema } from "../../src/config/schema.ts";
import { EdgeError } from "../../src/error.ts";
import { emptyDirectory } from "../support/directory.ts";
import { type Random, random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

/** Values as they stand in a file: of every type, at and beyond bounds, and some that are no TOML. */
const values = [
  "true false 0 1 -1 5 1000 0.5 1e400 -0.0 inf nan 9007199254740993 9223372036854775807 0x10 1_000",
  '2020-01-30 10:00:00 2020-01-30T10:00:00Z "" "x" "127.0.0.1:8080" "udp://127.0.0.1:1" "change"',
  '"udp://[::1]:1?interface=lo" "stdout://" "tick" "\\u0000" "\u{1F600}" \'\'\'a\nb\'\'\' [] [1] [[]]',
  '["AAPL","AAPL"] ["a",1,true] {} {a=1} {AAPL=0.01} {__proto__=1} {constructor="x"} = [ "',
]
  .flatMap((line) => line.split(" "))
  .concat("", `"${"x".repeat(5000)}"`);

function pick<T>(source: Random, list: readonly T[]): T {
  return list[source.int(list.length)]!;
}

function randomToml(source: Random): string {
  const lines: string[] = [];
  for (let count = source.int(4); count >= 0; count--) {
    const section = pick(source, sectionTable());
    const keys = optionTable().filter((row) => row.section === section.name);
    const odd = source.int(20);
    const list = odd === 0 ? !section.list : section.list;
    const name = odd === 1 ? pick(source, ["__proto__", "toString", "x.y", "feeed"]) : section.name;
    lines.push(list ? `[[${name}]]` : `[${name}]`);
    for (let options = source.int(4); options > 0; options--) {
      const key =
        source.int(10) === 0 ? pick(source, ["nme", "__proto__", "a.b"]) : pick(source, keys).key;
      lines.push(`${key} = ${pick(source, values)}`);
    }
  }
  return lines.join("\n");
}

function randomText(source: Random): string {
  return pick(source, values).replace(/^"|"$/g, "");
}

/** Loads; what is thrown must be words for an operator. */
function attempt(load: () => LoadedConfig, shown: string): "loaded" | "refused" {
  try {
    const { config } = load();
    expect(configSchema.parse(config), shown).toEqual(config);
    return "loaded";
  } catch (error) {
    if (!(error instanceof EdgeError))
      throw new Error(`${shown}\n${String(error)}`, { cause: error });
    expect(error.hint.length, shown).toBeGreaterThan(0);
    if (error instanceof ConfigError) {
      expect(error.mistakes.length, shown).toBeGreaterThan(0);
      for (const { key, reason, remedy, where } of error.mistakes) {
        for (const text of [key, reason, remedy, where]) expect(text, shown).not.toBe("");
      }
    }
    return "refused";
  }
}

describe("random configuration", () => {
  test("files", () => {
    const source = random(testSeed("config files"));
    using folder = emptyDirectory();
    const counts = { loaded: 0, refused: 0 };
    for (let round = scaled(1000); round > 0; round--) {
      const toml = randomToml(source);
      writeFileSync(join(folder.path, "hftedge.toml"), toml);
      const input = { flags: {}, env: {}, directory: folder.path, userId: 0 };
      counts[attempt(() => loadConfig(input), toml)]++;
    }
    expect(Math.min(counts.loaded, counts.refused)).toBeGreaterThan(10);
  });

  test("environmentAndFlags", () => {
    const source = random(testSeed("config texts"));
    const names = optionTable().flatMap(({ env }) => env ?? []);
    const paths = optionTable().flatMap(({ path, flag }) => (flag === null ? [] : [path]));
    const lists = sectionTable().flatMap(({ name, list }) => (list ? [name] : []));
    const counts = { loaded: 0, refused: 0 };
    for (let round = scaled(1000); round > 0; round--) {
      const env: Record<string, string> = {};
      const flags: Record<string, string | string[]> = {};
      for (let count = source.int(2); count > 0; count--) {
        env[pick(source, [...names, "HFTEDGE_FEED", "HFTEDGE_SINK", "HFTEDGE_X"])] =
          randomText(source);
      }
      if (source.int(2) === 0) flags[pick(source, paths)] = randomText(source);
      if (source.int(4) === 0) {
        const url = `${randomText(source)}?${pick(source, ["name", "format", "lines", "x"])}=${randomText(source)}`;
        flags[pick(source, lists)] = [url, randomText(source)];
      }
      const input = {
        flags,
        env,
        directory: "/dev/null/none",
        userId: 0,
        systemFile: "/dev/null/none",
      };
      counts[attempt(() => loadConfig(input), JSON.stringify({ env, flags }))]++;
    }
    expect(Math.min(counts.loaded, counts.refused)).toBeGreaterThan(10);
  });
});
