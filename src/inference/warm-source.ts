/** The states that warming goes through, in their order. */
import type { StateText } from "./state-text.ts";
import type { WarmSource } from "./warm.ts";

export const warmWhats = ["off", "observed", "all"] as const;
export type WarmWhat = (typeof warmWhats)[number];

/** What is needed of market/state.ts's StateSpace. */
export interface WarmSpace {
  finite: boolean;
  size: number;
  keyWords: number;
  index(key: Uint32Array): number;
  keyOf(index: number, out: Uint32Array): void;
}

/**
 * Null where there is nothing to warm: when it is off, or when all states of a space without an end
 * are asked for (then those observed are taken).
 */
export function createWarmSource(
  what: WarmWhat,
  space: WarmSpace,
  text: StateText,
  observed: () => string[],
): WarmSource | null {
  if (what === "off") return null;
  if (what === "all" && space.finite) {
    return {
      total: space.size,
      read(index) {
        const key = new Uint32Array(space.keyWords);
        space.keyOf(index, key);
        const words = text.of(key);
        return words === null ? null : { text: words, key, index };
      },
    };
  }
  const states = observed();
  return {
    total: states.length,
    read(place) {
      const key = new Uint32Array(space.keyWords);
      const words = states[place]!;
      if (!text.parse(words, key)) return null;
      return { text: words, key, index: space.finite ? space.index(key) : 0 };
    },
  };
}
