/** How `hftedge top` looks, and one line of it: cut to the terminal first and coloured after. */

export type TopSort = "symbol" | "newest" | "slowest" | "confidence";
export const topSorts: readonly TopSort[] = ["symbol", "newest", "slowest", "confidence"];

/** The trouble before the first answer: it is none yet. */
export const connecting = "connecting";

export interface TopLook {
  columns: number;
  lines: number;
  colour: boolean;
  sort: TopSort;
  /** First signal shown. */
  offset: number;
  paused: boolean;
  help: boolean;
  /** Address that is followed. */
  address: string;
  /** "" while connected, else what is wrong in words. */
  trouble: string;
  nowMs: number;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, inverse: 7 } as const;
export type Code = keyof typeof codes;

/** Text with colours that are added only after it was cut to its width. */
export interface Span {
  text: string;
  code?: Code | undefined;
}

export function line(spans: readonly Span[], { columns, colour }: TopLook): string {
  let room = columns;
  let text = "";
  for (const span of spans) {
    if (room <= 0) break;
    const cut = span.text.length <= room ? span.text : `${span.text.slice(0, room - 1)}…`;
    room -= cut.length;
    const paint = colour && span.code !== undefined && cut.trim() !== "";
    text += paint ? `\x1b[${codes[span.code!]}m${cut}\x1b[0m` : cut;
  }
  return text.trimEnd();
}
