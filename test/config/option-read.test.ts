/**
 * Every option does something: outside src/config somebody reads it by its name, in a file that
 * also speaks of its section. An option that nobody reads is a promise that nobody keeps.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { optionTable } from "../../src/config/option.ts";

const src = join(import.meta.dir, "../../src");

const files = [...new Bun.Glob("**/*.ts").scanSync({ cwd: src })]
  .filter((path) => !path.startsWith("config/"))
  .map((path) => join(src, path));
const texts = await Promise.all(files.map((path) => Bun.file(path).text()));

/** The name in code: comments and texts do not read an option. */
function code(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (match) =>
    match.startsWith('"') ? '""' : "",
  );
}

const sources = texts.map(code);

function isRead(section: string, name: string): boolean {
  const key = new RegExp(`\\b${name}\\b`);
  // "http.", "{ http }", Config["http"], "HttpConfig": the section by its own name or its type's.
  const type = `${section[0]!.toUpperCase()}${section.slice(1)}Config`;
  const owner = new RegExp(`\\b(?:${section}s?|${type})\\b`);
  return texts.some((text, i) => owner.test(text) && key.test(sources[i]!));
}

test("everyOptionIsReadSomewhere", () => {
  const idle = optionTable().filter(({ section, key }) => {
    // A table of its own is handed on whole (inference.options): reading the table reads it all.
    const names = key.split(".");
    return !names.some((name) => isRead(section, name));
  });
  expect(idle.map(({ path }) => path)).toEqual([]);
});

test("anOptionThatIsOnlyMentionedInWordsIsNotRead", () => {
  expect(code('const a = "feed.noSuchOption"; // feed.noSuchOption\n')).not.toContain("noSuch");
  expect(isRead("feed", "noSuchOptionAtAll")).toBe(false);
});
