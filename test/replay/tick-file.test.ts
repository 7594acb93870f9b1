import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { EdgeError } from "../../src/error.ts";
import { parseColumn } from "../../src/replay/column.ts";
import { openSource, type OpenOptions } from "../../src/replay/open.ts";
import { splitCsv, timeNs } from "../../src/replay/tick-line.ts";
import { drain, openOptions, withFile, type Drained } from "../support/source.ts";

const read = (file: string | Uint8Array, changes: Partial<OpenOptions> = {}): Promise<Drained> =>
  withFile(file, async (path) => drain(await openSource(path, openOptions(changes), 1)));

const tick = (ms: number, price: number): string =>
  `{"symbol":"AAPL","timestamp":${ms},"price":${price},"volume":100}`;

describe("NDJSON", () => {
  test("each line goes out as it stands, at its own time", async () => {
    const lines = [tick(1_700_000_000_000, 1.5), tick(1_700_000_000_250, 2)];
    const { datagrams, source } = await read(`\uFEFF${lines[0]}\r\n\n  \n${lines[1]}`);
    expect(datagrams.map((d) => d.bytes)).toEqual(lines);
    expect(datagrams.map((d) => d.timeNs)).toEqual([0, 250e6]);
    expect(source.originMs).toBe(1_700_000_000_000);
    expect(source.counts()).toEqual({ lines: 4, ticks: 2, blank: 2 });
  });

  test("what is missing is named with its line", async () => {
    for (const field of ["symbol", "timestamp", "price", "volume"]) {
      const bad = tick(2, 1).replace(`"${field}"`, '"other"');
      const { datagrams, error } = await read(`${tick(1, 1)}\n${bad}\n${tick(3, 1)}\n`);
      expect(datagrams.length).toBe(1);
      expect((error as EdgeError).code).toBe("TICK_LINE");
      expect(error?.message).toEndWith(`line 2: no "${field}"`);
    }
  });

  test("no JSON, no object, no time: told with the line", async () => {
    const bad: [string, string][] = [
      ["{nonsense", "this is no JSON"],
      ["[1]", "this is no JSON object"],
      [tick(1, 1).replace(":1,", ':"noon",'), 'the timestamp "noon" is no time'],
    ];
    for (const [line, words] of bad) {
      const { error } = await read(`${tick(1, 1)}\n${line}\n`);
      expect(error?.message).toEndWith(`line 2: ${words}`);
    }
  });

  test("cut at every offset: whole lines are sent, a half one is told", async () => {
    const lines = [tick(1, 1), tick(2, 2), tick(3, 3)];
    const file = `${lines.join("\n")}\n`;
    for (let length = lines[0]!.length; length < file.length; length++) {
      const { datagrams, error, source } = await read(file.slice(0, length));
      expect(error).toBeUndefined();
      const whole = lines.filter((_, i) => length >= lines.slice(0, i + 1).join("\n").length);
      expect(datagrams.map((d) => d.bytes)).toEqual(whole);
      const cut = length > whole.join("\n").length + 1;
      expect(source.cut !== undefined).toBe(cut);
    }
  });

  test("a line beyond all bounds is a broken file, not a growing buffer", async () => {
    const { datagrams, error } = await read(`${tick(1, 1)}\n{"${"x".repeat(600_000)}`);
    expect(datagrams.length).toBe(1);
    expect(error?.message).toContain("line 2 is too long");
  });
});

describe("CSV", () => {
  test("the header's names are mapped, whatever their order and case", async () => {
    const { datagrams } = await read(
      "Time;Ticker;Qty;Last Price;Best Bid;bid_size\n1700000000;MSFT;10;.5;+0.25;7\n1700000001.5;MSFT;20;007;;\n",
    );
    expect(datagrams).toEqual([
      {
        bytes:
          '{"symbol":"MSFT","timestamp":1700000000,"price":0.5,"volume":10,"bid":0.25,"bidSize":7}',
        timeNs: 0,
      },
      { bytes: '{"symbol":"MSFT","timestamp":1700000001.5,"price":7,"volume":20}', timeNs: 1.5e9 },
    ]);
  });

  test("ISO times become milliseconds, quoted cells keep their commas, gzip is undone", async () => {
    const { datagrams } = await read(
      gzipSync('symbol,timestamp,price,volume\n"A ""B"", C",2023-11-14T22:13:20.000250Z,1,2\n'),
    );
    expect(datagrams).toEqual([
      {
        bytes: '{"symbol":"A \\"B\\", C","timestamp":1700000000000.25,"price":1,"volume":2}',
        timeNs: 0,
      },
    ]);
  });

  test("a missing column is named, with what there is and how to say it", async () => {
    const { error } = await read("symbol,timestamp,value,volume\nA,1,2,3\n");
    expect((error as EdgeError).code).toBe("TICK_COLUMN");
    expect(error?.message).toEndWith(
      'line 1: no column "price" in the header (symbol, timestamp, value, volume)',
    );
    expect((error as EdgeError).hint).toBe("Name the column with --column price=NAME.");
    const { datagrams } = await read("symbol,timestamp,value,volume\nA,1,2,3\n", {
      columns: { price: "value" },
    });
    expect(datagrams[0]!.bytes).toBe('{"symbol":"A","timestamp":1,"price":2,"volume":3}');
  });

  test("a bad cell is named with its line", async () => {
    const bad: [string, string][] = [
      ["A,1,,3", "no price"],
      ["A,1,two,3", 'the price "two" is no number'],
      ["A,noon,2,3", 'the timestamp "noon" is no time'],
      ["A,1,2", "no volume"],
    ];
    for (const [line, words] of bad) {
      const { error } = await read(`symbol,timestamp,price,volume\nA,1,2,3\n${line}\nA,1,2,3\n`);
      expect(error?.message).toEndWith(`line 3: ${words}`);
    }
  });
});

test("cells may be quoted, empty and hold doubled quotes", () => {
  expect(splitCsv('a,"b,c",,"d""e", f ', ",")).toEqual(["a", "b,c", "", 'd"e', "f"]);
});

test("the unit of a time is told by its size", () => {
  for (const value of [
    1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000_000,
  ]) {
    expect(timeNs(value)).toBe(1.7e18);
    expect(timeNs(String(value))).toBe(1.7e18);
  }
  expect(timeNs("2023-11-14 22:13:20")).toBe(1.7e18);
  expect(timeNs("2023-11-15T00:13:20+02:00")).toBe(1.7e18);
  expect(timeNs("2023-11-14")).toBe(Date.UTC(2023, 10, 14) * 1e6);
  expect(timeNs("soon")).toBeNaN();
  expect(timeNs(null)).toBeNaN();
});

test("a column is chosen as FIELD=NAME", () => {
  expect(parseColumn("price=LAST=PX")).toEqual(["price", "LAST=PX"]);
  expect(parseColumn("bid-size=x")).toEqual(["bidSize", "x"]);
  for (const text of ["price", "=x", "price=", "colour=x"])
    expect(() => parseColumn(text)).toThrow("is not FIELD=COLUMN");
});

test("a file of no known format is refused with the formats there are", async () => {
  for (const text of ["", "just words\n", "\u0000\u0001\u0002\u0003"]) {
    const error = await read(text).catch((e: unknown) => e);
    expect((error as EdgeError).code).toBe("FILE_FORMAT");
  }
  const error = await read("a,b\n", { format: "pcap" }).catch((e: unknown) => e);
  expect((error as EdgeError).message).toEndWith("the file does not begin as pcap does");
});
