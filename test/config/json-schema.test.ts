/** The published schema agrees with what the program accepts. */
import { describe, expect, test } from "bun:test";
import Ajv2020 from "ajv/dist/2020";
import { initFile } from "../../src/config/init-file.ts";
import { configJsonSchema } from "../../src/config/option.ts";
import { configSchema } from "../../src/config/schema.ts";

// Units and the like are annotations of ours, which a strict validator does not know.
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(configJsonSchema());

describe("JSON schema", () => {
  test("acceptsNothingAndTheDefaults", () => {
    expect(validate({})).toBe(true);
    expect(validate(configSchema.parse({}))).toBe(true);
    const everything = initFile().replace(/^# (\[\[\w+\]\]|[\w.]+ = .*)$/gm, "$1");
    expect(validate(Bun.TOML.parse(everything))).toBe(true);
  });

  test("refusesWhatTheProgramRefuses", () => {
    for (const wrong of [
      { htp: {} },
      { http: { listne: "x" } },
      { signal: { emit: "always" } },
      { signal: { ttlMs: 0 } },
      { feed: [] },
      { feed: [{ lines: [] }] },
      { log: { level: 1 } },
    ]) {
      expect(validate(wrong), JSON.stringify(wrong)).toBe(false);
      expect(configSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
    }
  });
});
