/** Every colour that a word is written in, against what it is written on. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const css = await Bun.file(join(import.meta.dir, "../../src/web/style.css")).text();

/** The colours of a block as "#rrggbb", by name. */
function colours(selector: string): Map<string, string> {
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf("}", start));
  const found = block.matchAll(/--([a-z0-9]+): (#[0-9a-f]{6});/g);
  return new Map([...found].map(([, name, value]) => [name!, value!]));
}

/** https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio */
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

/** What is drawn in it is a line or a mark, never a word. */
const words = ["text", "dim", "accent", "warning", "critical", "good", "buy", "sell", "limit"];

describe.each([":root", `:root[data-theme="light"]`])("words in the colours of %s", (theme) => {
  const all = colours(theme);
  test.each(words)("%s is read on a panel, and on a raised part of it", (name) => {
    for (const ground of ["panel", "raised"]) {
      const ratio = contrast(all.get(name)!, all.get(ground)!);
      expect(ratio, `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

test("no word is in the colour of lines", () => {
  const rules = css.matchAll(/([^{}]+)\{([^{}]*)\}/g);
  const faint = [...rules].filter(([, , body]) => /(?:^|[;\s])color: var\(--faint\)/.test(body!));
  expect(faint.map(([, selector]) => selector!.trim())).toEqual([]);
});
