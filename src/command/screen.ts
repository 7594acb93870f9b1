/**
 * A full-screen view on a terminal: the alternate screen, keys one by one, resizes, and everything
 * as it was at the end, however the end comes.
 */

/** What is needed of process.stdout. */
export interface ScreenOutput {
  columns?: number;
  rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** What is needed of process.stdin. */
export interface ScreenInput {
  isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  off(event: "data", listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface ScreenSize {
  columns: number;
  lines: number;
}

const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Names of keys that come as more than one byte. */
const sequences: Readonly<Record<string, string>> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[5~": "page-up",
  "\x1b[6~": "page-down",
  "\x1b[H": "home",
  "\x1bOH": "home",
  "\x1b[1~": "home",
  "\x1b[F": "end",
  "\x1bOF": "end",
  "\x1b[4~": "end",
};

/** Keys in a chunk of input: names for arrows and the like, the character itself for the rest. */
export function parseKeys(text: string): string[] {
  const keys: string[] = [];
  for (let rest = text; rest !== "";) {
    const known = Object.keys(sequences).find((sequence) => rest.startsWith(sequence));
    if (known !== undefined) {
      keys.push(sequences[known]!);
      rest = rest.slice(known.length);
      continue;
    }
    if (rest.startsWith("\x1b")) {
      // A sequence that is not known is passed over whole, so that its tail is no key.
      const tail = /^(?:\[[0-?]*[ -/]*[@-~]|O[ -~])/.exec(rest.slice(1));
      if (tail !== null) {
        rest = rest.slice(1 + tail[0].length);
        continue;
      }
    }
    const [character = ""] = rest;
    keys.push(named(character));
    rest = rest.slice(character.length);
  }
  return keys;
}

function named(character: string): string {
  if (character === "\x03") return "interrupt";
  if (character === "\x1a") return "suspend";
  if (character === "\x1b") return "escape";
  if (character === "\x7f" || character === "\b") return "backspace";
  if (character === "\r" || character === "\n") return "enter";
  return character;
}

export class Screen {
  readonly #output: ScreenOutput;
  readonly #input: ScreenInput;
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #open = false;
  /** What is on the terminal; empty when that is not known. */
  #drawn: readonly string[] = [];

  constructor(
    output: ScreenOutput,
    input: ScreenInput,
    onKey: (key: string) => void,
    onResize: () => void,
  ) {
    this.#output = output;
    this.#input = input;
    this.#onKey = onKey;
    this.#onResize = onResize;
  }

  get size(): ScreenSize {
    return { columns: this.#output.columns || 80, lines: this.#output.rows || 24 };
  }

  open(): void {
    if (this.#open) return;
    this.#open = true;
    if (this.#input.isTTY === true) {
      this.#input.setRawMode?.(true);
      this.#input.on("data", this.#keys);
      this.#input.resume();
    }
    this.#output.on("resize", this.#resized);
    this.#drawn = [];
    this.#output.write(enter);
  }

  /** Draws over the last frame, and only the lines that differ: a slow link carries little. */
  draw(frame: readonly string[]): void {
    if (!this.#open) return;
    const shown = frame.slice(0, this.size.lines);
    let text = "";
    for (const [index, line] of shown.entries()) {
      if (line !== this.#drawn[index]) text += `\x1b[${index + 1};1H${line}\x1b[K`;
    }
    if (shown.length < this.#drawn.length) text += `\x1b[${shown.length + 1};1H\x1b[J`;
    this.#drawn = shown;
    if (text !== "") this.#output.write(text);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#output.off("resize", this.#resized);
    this.#output.write(leave);
    if (this.#input.isTTY !== true) return;
    this.#input.off("data", this.#keys);
    this.#input.setRawMode?.(false);
    this.#input.pause();
  }

  readonly #keys = (data: Buffer): void => {
    for (const key of parseKeys(data.toString("utf8"))) this.#onKey(key);
  };

  readonly #resized = (): void => {
    // What was drawn for the other size is in the wrong places.
    this.#output.write("\x1b[2J");
    this.#drawn = [];
    this.#onResize();
  };
}
