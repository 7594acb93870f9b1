/** Who is HOLD whatever its book says: what the operator holds, and what is not followed any more. */
import type { InstrumentTable } from "../market/instrument.ts";

const byOperator = 1;
const unfollowed = 2;

export class Held {
  /** The operator holds everything. */
  all = false;
  /** By instrument; 0 for not held. */
  readonly flags: Uint8Array;
  /** Instruments that were admitted so far. */
  known = 0;
  readonly #instruments: InstrumentTable;
  readonly #isHeldByName: (instrument: number) => boolean;

  /** `isHeldByName`: whether the operator holds the symbol of an instrument that is new. */
  constructor(instruments: InstrumentTable, isHeldByName: (instrument: number) => boolean) {
    this.#instruments = instruments;
    this.#isHeldByName = isHeldByName;
    this.flags = new Uint8Array(instruments.capacity);
  }

  /** New instruments: a hold that was laid on the symbol before it was first seen holds from now. */
  admit(): void {
    for (; this.known < this.#instruments.count; this.known++) {
      const instrument = this.known;
      this.flags[instrument] =
        (this.#isHeldByName(instrument) ? byOperator : 0) |
        (this.#instruments.dormant[instrument] === 0 ? 0 : unfollowed);
    }
  }

  isByOperator(instrument: number): boolean {
    return this.all || ((this.flags[instrument] as number) & byOperator) !== 0;
  }

  isUnfollowed(instrument: number): boolean {
    return ((this.flags[instrument] as number) & unfollowed) !== 0;
  }

  /** False when it was so already. */
  setByOperator(instrument: number, held: boolean): boolean {
    return this.#set(instrument, byOperator, held);
  }

  setUnfollowed(instrument: number, held: boolean): boolean {
    return this.#set(instrument, unfollowed, held);
  }

  #set(instrument: number, flag: number, on: boolean): boolean {
    const before = this.flags[instrument] as number;
    const after = on ? before | flag : before & ~flag;
    this.flags[instrument] = after;
    return before !== after;
  }
}
