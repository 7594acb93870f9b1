/**
 * A state's key as text: what the database keeps. Buckets as unsigned numbers, and the SYMBOL where
 * the key has one, because an instrument's index belongs to one run.
 *
 * "2,0,3,1,4" or "AAPL|18723,4".
 */

/** What is needed of market/state.ts's StateSpace. */
export interface TextSpace {
  symbolInKey: boolean;
  keyWords: number;
  /** Buckets of each key word; 0 for a word that is not finite. */
  radices: readonly number[];
}

/** A state with its text; `index` is 0 in a space that is not finite. */
export interface TextState {
  text: string;
  key: Uint32Array;
  index: number;
}

export interface SymbolNames {
  /** The ticker of an instrument, null where unknown. */
  symbolOf(instrument: number): string | null;
  /** The instrument of a ticker, -1 where unknown in this run. */
  instrumentOf(symbol: string): number;
}

export interface StateText {
  /** Null when the instrument has no symbol yet. */
  of(key: Uint32Array): string | null;
  /** Writes the key; false for text that is no state of this space and this run. */
  parse(text: string, key: Uint32Array): boolean;
}

export function createStateText(space: TextSpace, names: SymbolNames): StateText {
  const first = space.symbolInKey ? 1 : 0;
  const count = space.keyWords - first;
  return {
    of(key) {
      let text = "";
      for (let i = first; i < space.keyWords; i++) text += (i === first ? "" : ",") + key[i]!;
      if (!space.symbolInKey) return text;
      const symbol = names.symbolOf(key[0]!);
      return symbol === null || symbol === "" ? null : `${symbol}|${text}`;
    },
    parse(text, key) {
      let buckets = text;
      if (space.symbolInKey) {
        const bar = text.lastIndexOf("|");
        if (bar < 0) return false;
        const instrument = names.instrumentOf(text.slice(0, bar));
        if (instrument < 0) return false;
        key[0] = instrument;
        buckets = text.slice(bar + 1);
      }
      const parts = buckets.split(",");
      if (parts.length !== count) return false;
      return parts.every((part, i) => {
        const bucket = Number(part);
        const radix = space.radices[first + i]!;
        if (!/^\d{1,10}$/.test(part) || bucket > 0xffffffff) return false;
        key[first + i] = bucket;
        return radix === 0 || bucket < radix;
      });
    },
  };
}
