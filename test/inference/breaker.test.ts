import { expect, test } from "bun:test";
import { Breaker } from "../../src/inference/breaker.ts";

const limits = { failuresMax: 3, openMs: 100, openMsMax: 300 };

test("failures in a row open it, a success in between does not let them add up", () => {
  const breaker = new Breaker(limits);
  breaker.failed(0);
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(0);
  breaker.failed(0);
  expect(breaker.state(0)).toBe("closed");
  breaker.failed(0);
  expect(breaker.state(0)).toBe("open");
  expect(breaker.allows(99)).toBe(false);
});

test("half-open lets one probe through, which closes it", () => {
  const breaker = new Breaker(limits);
  for (let i = 0; i < 3; i++) breaker.failed(0);
  expect(breaker.state(100)).toBe("half-open");
  expect(breaker.allows(100)).toBe(true);
  breaker.sent(100);
  expect(breaker.allows(100)).toBe(false);
  breaker.succeeded();
  expect(breaker.state(100)).toBe("closed");
  expect(breaker.allows(100)).toBe(true);
});

test("a failed probe opens it for twice as long, up to the limit", () => {
  const breaker = new Breaker(limits);
  for (let i = 0; i < 3; i++) breaker.failed(0);
  for (const [nowMs, endMs] of [
    [100, 300],
    [300, 600],
    [600, 900],
  ] as const) {
    breaker.sent(nowMs);
    breaker.failed(nowMs);
    expect(breaker.state(endMs - 1)).toBe("open");
    expect(breaker.state(endMs)).toBe("half-open");
  }
  expect(breaker.openings).toBe(4);
});

test("questions that were under way when it opened do not open it again", () => {
  const breaker = new Breaker(limits);
  for (let i = 0; i < 10; i++) breaker.failed(i);
  expect(breaker.openings).toBe(1);
  expect(breaker.state(102)).toBe("half-open");
});

test("a probe that says nothing about the host lets another one through", () => {
  const breaker = new Breaker(limits);
  for (let i = 0; i < 3; i++) breaker.failed(0);
  breaker.sent(100);
  breaker.released();
  expect(breaker.allows(100)).toBe(true);
});
