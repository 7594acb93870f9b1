/** Rows as CSV (RFC 4180), for spreadsheets that take more for a formula than anybody meant. */
import { expect, test } from "bun:test";
import { csvOf } from "../../src/http/format.ts";

test("without a row there is the heading", () => {
  expect(csvOf(["a", "b"], [])).toBe("a,b\r\n");
});

test("commas, quotes and ends of lines are quoted; nothing is an empty cell", () => {
  const rows = [{ a: 'say "no", twice', b: null, c: "two\nlines", d: true, e: -1.5 }];
  expect(csvOf(["a", "b", "c", "d", "e", "missing"], rows)).toBe(
    'a,b,c,d,e,missing\r\n"say ""no"", twice",,"two\nlines",true,-1.5,\r\n',
  );
});

test.each(["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])(
  "%j out of a feed is no formula",
  (symbol) => {
    const text = csvOf(["symbol"], [{ symbol }]).slice("symbol\r\n".length);
    expect(text).toMatch(/^"?'/);
    expect(text).toContain(symbol);
  },
);

test("a number below zero stays a number", () => {
  expect(csvOf(["x"], [{ x: -1 }])).toBe("x\r\n-1\r\n");
});
