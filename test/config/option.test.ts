import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { initFile } from "../../src/config/init-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { optionTable, sectionTable } from "../../src/config/option.ts";
import { configSchema } from "../../src/config/schema.ts";
import { fromText } from "../../src/config/source.ts";

const root = join(import.meta.dir, "../..");

describe("option table", () => {
  test("everyOptionHasHelpAndADefault", () => {
    for (const { path, help, default: value } of optionTable()) {
      expect(help, path).toMatch(/^[A-Z].*\.$/);
      expect(value, path).toBeDefined();
    }
    for (const { name, help } of sectionTable()) expect(help, name).toMatch(/^[A-Z].*\.$/);
  });

  test("everySectionFileIsComposed", () => {
    const files = [...new Bun.Glob("*.ts").scanSync({ cwd: join(root, "src/config/section") })];
    expect(files.map((file) => file.replace(/\.ts$/, "")).toSorted()).toEqual(
      sectionTable()
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  test("everyNumberIsBounded", () => {
    const unbounded = optionTable().filter(
      ({ type, bounds }) => (type === "integer" || type === "number") && bounds === null,
    );
    expect(unbounded.map(({ path }) => path)).toEqual([]);
  });

  test("everyListIsBounded", () => {
    const unbounded = optionTable().filter(
      ({ type, schema }) => (type === "list" || type === "tables") && schema.maxItems === undefined,
    );
    expect(unbounded.map(({ path }) => path)).toEqual([]);
  });

  test("namesOfVariablesAndFlagsAreUnique", () => {
    for (const name of ["env", "flag", "path"] as const) {
      const names = optionTable().flatMap((row) => row[name] ?? []);
      expect(new Set(names).size, name).toBe(names.length);
    }
  });

  test("everyDefaultSurvivesItsOwnText", () => {
    for (const { path, schema, default: value } of optionTable()) {
      if (typeof value === "object") continue;
      expect(fromText(String(value), schema), path).toEqual(value);
    }
  });
});

describe("init file", () => {
  test("asItStandsChangesNothing", () => {
    const tree = Bun.TOML.parse(initFile()) as object;
    expect(configSchema.parse(tree)).toEqual(configSchema.parse({}));
  });

  test("uncommentedStillIsTheDefault", () => {
    const toml = initFile().replace(/^# (\[\[\w+\]\]|[\w.]+ = .*)$/gm, "$1");
    expect(toml).toContain("\n[[feed]]\n");
    expect(configSchema.parse(Bun.TOML.parse(toml) as object)).toEqual(configSchema.parse({}));
  });

  test("defaultsNeedNoFile", () => {
    const input = { flags: {}, env: {}, directory: "/", userId: 1, systemFile: "/dev/null/none" };
    expect(loadConfig(input).origins.size).toBe(0);
  });
});
