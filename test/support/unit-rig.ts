/** The feed core in virtual time with a PITCH feed: several units, each with a sequence of its own. */
import {
  encodePitchUnit,
  pitchAdd,
  pitchChange,
  pitchEnd,
  pitchTime,
} from "../feed/pitch-encode.ts";
import type { Signal } from "../../src/decision/signal.ts";
import { EngineRig, type RigOptions } from "./engine-rig.ts";

export const bidPrice = 100_000;

export class UnitRig extends EngineRig {
  readonly #next = new Map<number, number>();
  readonly #orders = new Map<string, bigint>();
  #order = 0n;

  constructor({ flags = {}, feed = "format=pitch" }: RigOptions = {}) {
    super({ flags, feed });
  }

  /** The next sequence of a unit. */
  next(unit: number): number {
    return this.#next.get(unit) ?? 1;
  }

  /** What the unit sends next, taken out of its sequence and not delivered. */
  pack(unit: number, messages: readonly Buffer[]): Buffer {
    const datagram = encodePitchUnit(unit, this.next(unit), messages);
    this.#next.set(unit, this.next(unit) + messages.length);
    return datagram;
  }

  /**
   * The messages that make a book one bid and one ask of these sizes; its former orders go, as their
   * reference numbers say, which only the symbol's own unit may know.
   */
  bookMessages(symbol: string, bidSize: number, askSize: number): Buffer[] {
    const first = this.#orders.get(symbol);
    const own = ++this.#order * 2n;
    this.#orders.set(symbol, own);
    const gone = first === undefined ? [] : [first, first + 1n];
    return [
      ...gone.map((id) => pitchChange(0x29, 0, id)),
      pitchAdd("long", 0, own, "B", bidSize, symbol, bidPrice),
      pitchAdd("long", 0, own + 1n, "S", askSize, symbol, bidPrice + 100),
    ];
  }

  unitBook(unit: number, symbol: string, bidSize: number, askSize: number): Signal[] {
    return this.arrive(this.pack(unit, this.bookMessages(symbol, bidSize, askSize)));
  }

  /** A heartbeat of a unit. */
  alive(unit: number): Signal[] {
    return this.arrive(encodePitchUnit(unit, this.next(unit), []));
  }

  /** The unit ends its day and begins the next one. */
  nextDay(unit: number): Signal[] {
    this.arrive(this.pack(unit, [pitchEnd()]));
    this.#next.set(unit, 1);
    return this.arrive(this.pack(unit, [pitchTime(34_200)]));
  }

  /** The orders of a symbol are forgotten by its sender, too. */
  override forget(symbol: string): void {
    this.#orders.delete(symbol);
  }

  arrive(datagram: Buffer): Signal[] {
    this.redeliver(datagram);
    return this.signals();
  }
}
