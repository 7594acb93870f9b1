import type { MarketEvents } from "../../src/feed/event.ts";

/** Records every event as one array, with symbols given instruments in order of appearance. */
export class EventLog implements MarketEvents {
  readonly events: (string | number | boolean)[][] = [];
  readonly symbols: string[] = [];
  /** The only symbols followed; all of them when empty. */
  readonly followed: readonly string[];
  times = 0;
  prefetched = 0;
  lastTime = Number.NaN;

  constructor(followed: readonly string[] = []) {
    this.followed = followed;
  }

  instrument(bytes: Uint8Array, offset: number, length: number): number {
    const symbol = Buffer.from(bytes.subarray(offset, offset + length))
      .toString("latin1")
      .replace(/[ \0]+$/, "");
    if (this.followed.length > 0 && !this.followed.includes(symbol)) return -1;
    const known = this.symbols.indexOf(symbol);
    return known >= 0 ? known : this.symbols.push(symbol) - 1;
  }
  time(marketNs: number): void {
    this.times++;
    this.lastTime = marketNs;
  }
  instrumentOf(): number {
    return 0;
  }
  prefetch(): void {
    this.prefetched++;
  }
  addOrder(...rest: number[]): void {
    this.events.push(["addOrder", ...rest]);
  }
  executeOrder(...rest: (number | boolean)[]): void {
    this.events.push(["executeOrder", ...rest]);
  }
  executeOrderAt(...rest: (number | boolean)[]): void {
    this.events.push(["executeOrderAt", ...rest]);
  }
  resizeOrder(...rest: number[]): void {
    this.events.push(["resizeOrder", ...rest]);
  }
  cancelOrder(...rest: number[]): void {
    this.events.push(["cancelOrder", ...rest]);
  }
  deleteOrder(...rest: number[]): void {
    this.events.push(["deleteOrder", ...rest]);
  }
  replaceOrder(...rest: number[]): void {
    this.events.push(["replaceOrder", ...rest]);
  }
  setLevel(...rest: (number | boolean)[]): void {
    this.events.push(["setLevel", ...rest]);
  }
  quote(...rest: number[]): void {
    this.events.push(["quote", ...rest]);
  }
  trade(...rest: number[]): void {
    this.events.push(["trade", ...rest]);
  }
  tradingState(...rest: number[]): void {
    this.events.push(["tradingState", ...rest]);
  }
  clear(instrument: number): void {
    this.events.push(["clear", instrument]);
  }
  markPartial(instrument: number): void {
    this.events.push(["markPartial", instrument]);
  }
}
