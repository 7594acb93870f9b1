/**
 * A day of a feed of several units in virtual time: two lines with their own loss, duplication and
 * delay, nobody to ask. Everything follows from the seed. After every arrival the engine's standing
 * signals are held against a reference that knows what was sent and what has arrived, and nothing of
 * how the feed works.
 */
import { Decision } from "../../src/decision/signal.ts";
import { encodePitchUnit } from "../feed/pitch-encode.ts";
import { moreAsk, moreBid } from "../support/engine-rig.ts";
import { type Random, random } from "../support/random.ts";
import { UnitRig } from "../support/unit-rig.ts";

export interface UnitWeather {
  units: number;
  symbolsPerUnit: number;
  datagrams: number;
  /** Of each line; units from `calmFrom` on lose nothing and arrive in order. */
  loss: number;
  duplication: number;
  reordering: number;
  delayNs: number;
  calmFrom: number;
  holdUs: number;
}

export interface UnitOutcome {
  /** Instruments that stood at BUY or SELL although their unit lacked something. */
  unsafe: string[];
  /** ... or with another book than the sender's. */
  wrongBooks: string[];
  /** Instruments of a unit that never lacked anything, and that were held all the same. */
  silenced: string[];
  /** Arrivals at which some unit lacked something while another one's instruments stood. */
  apart: number;
  /** How often an instrument stood whose unit had lacked something before. */
  healed: number;
}

interface Arrival {
  atNs: number;
  order: number;
  unit: number;
  first: number;
  count: number;
  bytes: Buffer;
}

/** What one unit has sent, and what of it has arrived. */
class Unit {
  next = 1;
  /** The next sequence that the datagrams which have arrived let one expect. */
  announced = 1;
  /** Sequence by sequence, whether it has arrived; index 0 is unused. */
  readonly arrived: boolean[] = [true];
  /** The first sequence that has not arrived. */
  expected = 1;
  lacked = false;
  /** After each sequence, whose book it ended and with which bid: symbol and size. */
  readonly books: { end: number; symbol: string; bidSize: number }[] = [];

  arrive(first: number, count: number): void {
    for (let i = first; i < first + count; i++) this.arrived[i] = true;
    while (this.arrived[this.expected] === true) this.expected++;
    this.announced = Math.max(this.announced, first + count);
    if (this.lacks) this.lacked = true;
  }

  get lacks(): boolean {
    return this.expected < this.announced;
  }

  /** The bids of the unit's books as the sender had them before `announced`. */
  bids(): Map<string, number> {
    const bids = new Map<string, number>();
    for (const { end, symbol, bidSize } of this.books) {
      if (end < this.announced) bids.set(symbol, bidSize);
    }
    return bids;
  }
}

const symbolOf = (unit: number, i: number): string => `U${unit}S${i}`;

export function simulateUnits(seed: number, weather: UnitWeather): UnitOutcome {
  const rng = random(seed);
  const rig = new UnitRig({
    feed: `format=pitch&holdUs=${weather.holdUs}&silenceMs=60000`,
    flags: { "signal.maxAgeMs": "60000" },
  });
  rig.answer(moreBid, Decision.buy);
  rig.answer(moreAsk, Decision.sell);
  const units = Array.from({ length: weather.units }, () => new Unit());
  const outcome: UnitOutcome = { unsafe: [], wrongBooks: [], silenced: [], apart: 0, healed: 0 };
  const { core } = rig;

  const judge = (): void => {
    let lacking = 0;
    let standing = 0;
    for (const [number, unit] of units.entries()) {
      if (unit.lacks) lacking++;
      const bids = unit.bids();
      for (let i = 0; i < weather.symbolsPerUnit; i++) {
        const symbol = symbolOf(number, i);
        const instrument = core.instruments.find(0, symbol);
        const decision = instrument < 0 ? 0 : core.emitter.lastDecision(instrument);
        const stands = decision === Decision.buy || decision === Decision.sell;
        if (stands && !unit.lacks) standing++;
        if (stands && !unit.lacks && unit.lacked) outcome.healed++;
        if (stands && unit.lacks) outcome.unsafe.push(symbol);
        const bid = bids.get(symbol);
        if (stands && core.books[0]!.bidSize(instrument) !== bid) outcome.wrongBooks.push(symbol);
        if (!stands && !unit.lacked && bid !== undefined) outcome.silenced.push(symbol);
      }
    }
    if (lacking > 0 && standing > 0) outcome.apart++;
  };
  const agenda = agendaOf(rng, rig, units, weather);
  for (const { atNs, unit, first, count, bytes } of agenda) {
    // The waits that end before it comes, each at its time.
    while (rig.nowNs + 100_000 < atNs) {
      rig.nowNs += 100_000;
      core.poll(rig.nowNs);
    }
    rig.nowNs = Math.max(rig.nowNs, atNs);
    const own = units[unit]!;
    own.arrive(first, count);
    core.datagram(0, 0, bytes, bytes.length, rig.nowNs, rig.nowNs);
    judge();
    core.poll(rig.nowNs);
    judge();
    rig.signals();
  }
  return outcome;
}

/** All datagrams of the day in the order in which they arrive. */
function agendaOf(
  rng: Random,
  rig: UnitRig,
  units: readonly Unit[],
  weather: UnitWeather,
): Arrival[] {
  const agenda: Arrival[] = [];
  let atNs = rig.nowNs;
  const transmit = (unit: number, first: number, count: number, bytes: Buffer): void => {
    for (let line = 0; line < 2; line++) {
      const calm = unit >= weather.calmFrom;
      const copies = calm
        ? 1
        : (rng.next() < weather.loss ? 0 : 1) + (rng.next() < weather.duplication ? 1 : 0);
      for (let copy = 0; copy < copies; copy++) {
        const late = !calm && rng.next() < weather.reordering ? rng.int(weather.delayNs) : 0;
        const order = agenda.length;
        agenda.push({ atNs: atNs + 1_000 * line + late, order, unit, first, count, bytes });
      }
    }
  };
  // The receiver was there from the beginning.
  for (const unit of [...units.keys()].toReversed()) {
    agenda.push({
      atNs,
      order: agenda.length,
      unit,
      first: 1,
      count: 0,
      bytes: encodePitchUnit(unit, 1, []),
    });
  }
  for (let i = 0; i < weather.datagrams; i++) {
    atNs += 1 + rng.int(40_000);
    const unit = rng.int(weather.units);
    const own = units[unit]!;
    const first = rig.next(unit);
    if (rng.int(20) === 0) {
      transmit(unit, first, 0, encodePitchUnit(unit, first, []));
      continue;
    }
    const messages: Buffer[] = [];
    for (let books = 1 + rng.int(3); books > 0; books--) {
      const symbol = symbolOf(unit, rng.int(weather.symbolsPerUnit));
      const bidSize = 1 + rng.int(200);
      messages.push(...rig.bookMessages(symbol, bidSize, 1 + rng.int(200)));
      own.books.push({ end: first + messages.length - 1, symbol, bidSize });
    }
    transmit(unit, first, messages.length, rig.pack(unit, messages));
    own.next = rig.next(unit);
  }
  return agenda.toSorted((a, b) => a.atNs - b.atNs || a.order - b.order);
}

export function someUnitWeather(rng: Random): UnitWeather {
  const units = 2 + rng.int(3);
  return {
    units,
    symbolsPerUnit: 1 + rng.int(4),
    datagrams: 60 + rng.int(120),
    loss: rng.int(3) === 0 ? rng.next() * 0.5 : 0.1,
    duplication: rng.next() * 0.1,
    reordering: rng.next() * 0.2,
    delayNs: 1 + rng.int(400_000),
    calmFrom: 1 + rng.int(units - 1),
    holdUs: rng.int(4) === 0 ? 0 : 100 + rng.int(900),
  };
}
