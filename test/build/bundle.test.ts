import { describe, expect, test } from "bun:test";
import { packageOf } from "../../src/build/bundle.ts";

describe("package of a bundled file", () => {
  test("scopedAndPlainNames", () => {
    expect(packageOf("/r/node_modules/zod/v4/index.js")).toEqual({
      name: "zod",
      folder: "/r/node_modules/zod",
    });
    expect(packageOf("/r/node_modules/@hono/standard-validator/dist/a.js")).toEqual({
      name: "@hono/standard-validator",
      folder: "/r/node_modules/@hono/standard-validator",
    });
  });

  test("nestedCopyIsTheInnermost", () => {
    expect(packageOf("/r/node_modules/a/node_modules/b/c.js")).toEqual({
      name: "b",
      folder: "/r/node_modules/a/node_modules/b",
    });
  });

  test("ownFileIsNoPackage", () => {
    expect(packageOf("/r/src/main.ts")).toBeNull();
  });
});
