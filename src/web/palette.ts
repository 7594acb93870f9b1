/**
 * Colours of the canvas, read from the style sheet so that a theme is defined in one place. The
 * heat is one hue from the panel's own colour to its far end, lines are warm and differ in their
 * dashes as well: both stay apart in every common form of colour blindness, and in grey.
 */

export interface Palette {
  text: string;
  dim: string;
  grid: string;
  panel: string;
  select: string;
  p50: string;
  p99: string;
  p999: string;
  limit: string;
  warning: string;
  critical: string;
  hatch: string;
  /** 256 × RGBA, from the fewest to the most. */
  heat: Uint8ClampedArray;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour("text"),
    dim: colour("dim"),
    grid: colour("grid"),
    panel: colour("panel"),
    select: colour("select"),
    p50: colour("p50"),
    p99: colour("p99"),
    p999: colour("p999"),
    limit: colour("limit"),
    warning: colour("warning"),
    critical: colour("critical"),
    hatch: colour("hatch"),
    heat: ramp(colour("heat").split(/\s+/)),
  };
}

/** "#rrggbb" colours, evenly spaced, as 256 RGBA entries. */
export function ramp(stops: readonly string[]): Uint8ClampedArray {
  const colours = stops.map((hex) => {
    const value = Number.parseInt(hex.slice(1), 16);
    return [(value >> 16) & 255, (value >> 8) & 255, value & 255] as const;
  });
  const out = new Uint8ClampedArray(256 * 4);
  for (let index = 0; index < 256; index++) {
    const at = (index / 255) * (colours.length - 1);
    const low = Math.min(Math.floor(at), colours.length - 2);
    const part = at - low;
    for (let channel = 0; channel < 3; channel++) {
      const a = colours[low]?.[channel] ?? 0;
      const b = colours[low + 1]?.[channel] ?? a;
      out[index * 4 + channel] = a + (b - a) * part;
    }
    out[index * 4 + 3] = 255;
  }
  return out;
}
