/** Why a GPU's clock is what it is: bits of nvmlClocksEventReason* (nvml.h). */

export interface ClockReason {
  bit: number;
  name: string;
  words: string;
  /** The hardware protects itself. */
  hard: boolean;
}

/** A card that has nothing to do lowers its clock. */
export const idleReason = 0x1;

/** A clock that somebody asked for: a reason, and no obstacle. */
const askedReason: ClockReason = {
  bit: 0x2,
  name: "application-clocks",
  words: "a clock that was asked for",
  hard: false,
};

const blocking: readonly ClockReason[] = [
  { bit: 0x4, name: "sw-power-cap", words: "the power limit", hard: false },
  { bit: 0x8, name: "hw-slowdown", words: "a hardware slowdown", hard: true },
  { bit: 0x10, name: "sync-boost", words: "another GPU of its boost group", hard: false },
  { bit: 0x20, name: "sw-thermal", words: "the driver's thermal limit", hard: false },
  { bit: 0x40, name: "hw-thermal", words: "the hardware's thermal limit", hard: true },
  {
    bit: 0x80,
    name: "hw-power-brake",
    words: "the power brake (supply or redundancy)",
    hard: true,
  },
  { bit: 0x100, name: "display", words: "the display's clock", hard: false },
];

/** What holds the clock down: neither idleness nor a clock that was asked for. */
export function blockingReasons(bits: number | undefined): ClockReason[] {
  return blocking.filter(({ bit }) => ((bits ?? 0) & bit) !== 0);
}

/** Every reason but idleness, in words. */
export function reasonWords(bits: number): string[] {
  return [askedReason, ...blocking]
    .filter(({ bit }) => (bits & bit) !== 0)
    .map(({ words }) => words);
}
