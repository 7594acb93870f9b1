/** Which column of a CSV file is which field of a tick, by the names that such files use. */
import { EdgeError } from "../error.ts";

export const tickFields = [
  "symbol",
  "timestamp",
  "price",
  "volume",
  "bid",
  "ask",
  "bidSize",
  "askSize",
] as const;
export type TickField = (typeof tickFields)[number];

export const requiredTickFields: readonly TickField[] = ["symbol", "timestamp", "price", "volume"];

/** Other names by which files know a field, in lower case, letters and digits only. */
const aliases: Record<TickField, readonly string[]> = {
  symbol: ["symbol", "ticker", "sym", "instrument", "stock", "code", "ric"],
  timestamp: ["timestamp", "time", "ts", "datetime", "date", "epoch", "exchangetime", "tstime"],
  price: ["price", "last", "lastprice", "tradeprice", "px", "close"],
  volume: ["volume", "size", "qty", "quantity", "amount", "shares", "tradesize", "lastsize", "vol"],
  bid: ["bid", "bidprice", "bidpx", "bestbid"],
  ask: ["ask", "askprice", "askpx", "bestask", "offer", "offerprice"],
  bidSize: ["bidsize", "bidqty", "bidvolume", "bestbidsize"],
  askSize: ["asksize", "askqty", "askvolume", "bestasksize", "offersize"],
};

const bare = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Field → index of its column; -1 where there is none. */
export type ColumnMap = Record<TickField, number>;

/**
 * Maps a header. `given` are the names that the user chose (`--column price=LAST_PX`), which win over
 * the known ones. Throws EdgeError TICK_COLUMN naming what is missing and what there is.
 */
export function mapColumns(
  file: string,
  header: readonly string[],
  given: Readonly<Partial<Record<TickField, string>>>,
): ColumnMap {
  const names = header.map(bare);
  const map = {} as ColumnMap;
  for (const field of tickFields) {
    const chosen = given[field];
    const wanted = chosen === undefined ? aliases[field] : [bare(chosen)];
    map[field] = wanted.map((name) => names.indexOf(name)).find((index) => index >= 0) ?? -1;
    const missing = map[field] < 0 && (chosen !== undefined || requiredTickFields.includes(field));
    if (missing) {
      throw new EdgeError(
        "TICK_COLUMN",
        `${file}: line 1: no column "${chosen ?? field}" in the header (${header.join(", ")})`,
        `Name the column with --column ${field}=NAME.`,
      );
    }
  }
  return map;
}

/** `field=column` as given on the command line. Throws EdgeError TICK_COLUMN. */
export function parseColumn(text: string): [TickField, string] {
  const at = text.indexOf("=");
  const field = tickFields.find((known) => bare(known) === bare(text.slice(0, Math.max(at, 0))));
  if (at < 1 || field === undefined || at === text.length - 1) {
    throw new EdgeError(
      "TICK_COLUMN",
      `"${text}" is not FIELD=COLUMN`,
      `The fields are ${tickFields.join(", ")}.`,
    );
  }
  return [field, text.slice(at + 1)];
}
