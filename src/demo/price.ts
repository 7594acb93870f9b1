/**
 * The latent fair price of one instrument in ticks: it comes back to its anchor, drifts for some
 * seconds at a time, moves at random and jumps now and then. Orders follow it; it is never shown.
 */
import type { Random } from "../replay/random.ts";
import type { DemoInstrument } from "./instrument.ts";

const reversionPerSecond = 0.02;
const driftSeconds = 4;
const jumpsPerSecond = 0.05;
/** A jump's size in standard deviations of one second. */
const jumpScale = 3;
/** It never leaves this band around its anchor, whatever the luck. */
const band = 0.2;

export class FairPrice {
  ticks: number;
  readonly #instrument: DemoInstrument;
  readonly #random: Random;
  #drift = 0;

  constructor(instrument: DemoInstrument, random: Random) {
    this.ticks = instrument.anchorTicks;
    this.#instrument = instrument;
    this.#random = random;
  }

  /** Lets this much time pass. */
  pass(seconds: number): void {
    const { anchorTicks, volatilityTicks } = this.#instrument;
    const random = this.#random;
    const step = Math.min(seconds, 1);
    const root = Math.sqrt(step);
    this.#drift +=
      (-this.#drift * step) / driftSeconds + volatilityTicks * 0.5 * root * random.normal();
    const jumps = random.chance(jumpsPerSecond * step);
    const jump = jumps ? jumpScale * volatilityTicks * random.normal() : 0;
    const pull = reversionPerSecond * (anchorTicks - this.ticks) * step;
    const moved = this.ticks + this.#drift * step + pull + volatilityTicks * root * random.normal();
    const low = anchorTicks * (1 - band);
    const high = anchorTicks * (1 + band);
    this.ticks = Math.min(high, Math.max(low, moved + jump));
  }
}
