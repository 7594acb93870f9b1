/** How full the decision table is. Walking it costs time, so each second walks a part of it. */
import { type TableSpec } from "../decision/table-plane.ts";
import { type DecisionTable, openTable } from "../decision/table.ts";

/** States looked at in a second: about a millisecond. */
const statesAtOnce = 131_072;

export class TableCount {
  /** As of the last whole walk. */
  entries = 0;
  readonly #table: DecisionTable;
  readonly #spec: TableSpec;
  readonly #key: Uint32Array;
  #at = 0;
  #found = 0;

  constructor(memory: SharedArrayBuffer, spec: TableSpec) {
    this.#table = openTable(memory, spec);
    this.#spec = spec;
    this.#key = new Uint32Array(spec.keyWords);
  }

  second(): void {
    const { form, capacity } = this.#spec;
    if (form === "associative") {
      // Its places are found by key alone; what was written and not evicted is in there.
      const held = (this.#table.promotions() - this.#table.evictions()) >>> 0;
      this.entries = Math.min(capacity, held);
      return;
    }
    const end = Math.min(capacity, this.#at + statesAtOnce);
    for (; this.#at < end; this.#at++)
      if (this.#table.peek(this.#key, this.#at) !== 0) this.#found++;
    if (this.#at < capacity) return;
    this.entries = this.#found;
    this.#at = 0;
    this.#found = 0;
  }
}
