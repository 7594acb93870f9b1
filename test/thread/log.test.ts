import { expect, test } from "bun:test";
import { logLine, type LogOptions } from "../../src/thread/log.ts";

const options: LogOptions = { level: "info", format: "text", journal: false };

test("under systemd every line of a text has its priority, also those of a stack", () => {
  const line = logLine({ ...options, journal: true }, "error", "HTTP /x: Error\n  at f\n  at g", 0);
  expect(line).toBe("<3>HTTP /x: Error\n<3>  at f\n<3>  at g\n");
});

test("an object is one line, with what belongs to the words beside them", () => {
  const line = logLine({ ...options, format: "json" }, "warn", "two\nlines", 0, { alert: "gap" })!;
  expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "two\nlines",
    alert: "gap",
  });
});

test("what is below the level is not written", () => {
  expect(logLine(options, "debug", "words", 0)).toBeUndefined();
  expect(logLine(options, "info", "words", 0, { count: 2 })).toBe("00:00:00.000 words count=2\n");
});
