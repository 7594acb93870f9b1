import type { Part } from "../context.ts";

/** One part out of several. */
export function combine(root: HTMLElement, parts: readonly Part[]): Part {
  return {
    root,
    update: () => {
      for (const part of parts) part.update();
    },
    arrive: () => {
      for (const part of parts) part.arrive?.();
    },
    leave: () => {
      for (const part of parts) part.leave?.();
    },
    restyle: () => {
      for (const part of parts) part.restyle?.();
    },
  };
}
