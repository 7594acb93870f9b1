import { expect, test } from "bun:test";
import { Field, setText16, signalWords } from "../../src/decision/signal.ts";
import { LastDecision } from "../../src/thread/last-decision.ts";
import { random } from "../support/random.ts";
import { testSeed } from "../support/scale.ts";

const record = new Uint32Array(signalWords);

function take(last: LastDecision, symbol: string, decision: number, source: number): boolean {
  setText16(record, Field.symbol, symbol);
  record[Field.feedDecisionSource] = 7 | (decision << 16) | (source << 24);
  return last.take(record);
}

test("aDecisionOrASourceThatDiffersFromTheSymbolsLastIsAChange", () => {
  const last = new LastDecision(4);
  expect(take(last, "AAPL", 1, 1)).toBe(true);
  expect(take(last, "AAPL", 1, 1)).toBe(false);
  expect(take(last, "AAPL", 1, 2)).toBe(true);
  expect(take(last, "AAPL", 2, 2)).toBe(true);
  expect(take(last, "MSFT", 2, 2)).toBe(true);
  expect(take(last, "AAPL", 2, 2)).toBe(false);
  expect(last.size).toBe(2);
});

test("symbolsThatDifferInAnyOfTheirSixteenCharactersAreKeptApart", () => {
  const last = new LastDecision(64);
  const symbols = Array.from({ length: 16 }, (_, at) => `${"A".repeat(at)}B${"A".repeat(15 - at)}`);
  for (const symbol of symbols) expect(take(last, symbol, 1, 1)).toBe(true);
  for (const symbol of symbols) expect(take(last, symbol, 1, 1)).toBe(false);
});

test("oneSymbolMoreThanThereIsRoomForBeginsAllAnew", () => {
  const last = new LastDecision(3);
  for (const symbol of ["A", "B", "C"]) take(last, symbol, 1, 1);
  expect(take(last, "D", 1, 1)).toBe(true);
  expect(last.size).toBe(1);
  expect(take(last, "A", 1, 1)).toBe(true);
  expect(take(last, "D", 1, 1)).toBe(false);
});

test("itAgreesWithAMapByNameOverManyRandomSignals", () => {
  const numbers = random(testSeed("last decision"));
  const last = new LastDecision(500);
  const model = new Map<string, number>();
  for (let i = 0; i < 50_000; i++) {
    const symbol = `S${numbers.int(500)}`;
    const decision = 1 + numbers.int(3);
    const source = 1 + numbers.int(10);
    const decided = decision | (source << 8);
    const changed = model.get(symbol) !== decided;
    model.set(symbol, decided);
    expect(take(last, symbol, decision, source)).toBe(changed);
  }
});
