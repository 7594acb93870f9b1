/** As much of a terminal as a test needs: what is on the screen after the bytes that came. */
export class TerminalText {
  columns: number;
  lines: number;
  /** In the alternate screen. */
  alternate = false;
  cursorHidden = false;
  #rows: string[][];
  #row = 0;
  #column = 0;
  #rest = "";
  /** Sequences that it does not know, for a test to find empty. */
  readonly unknown: string[] = [];

  constructor(columns: number, lines: number) {
    this.columns = columns;
    this.lines = lines;
    this.#rows = this.#blank();
  }

  #blank(): string[][] {
    return Array.from({ length: this.lines }, () => []);
  }

  resize(columns: number, lines: number): void {
    this.columns = columns;
    this.lines = lines;
    this.#rows = [...this.#rows, ...this.#blank()].slice(0, lines);
  }

  /** The screen's lines without trailing blanks. */
  get text(): string[] {
    return this.#rows.map((row) =>
      Array.from(row, (character) => character ?? " ")
        .join("")
        .trimEnd(),
    );
  }

  /** A line that is wider than the terminal was drawn. */
  overflowed = false;

  write(chunk: string): void {
    let text = this.#rest + chunk;
    this.#rest = "";
    while (text !== "") {
      if (text.startsWith("\x1b")) {
        const match = /^\[([0-?]*)([@-~])/.exec(text.slice(1));
        if (match === null) {
          // The end of the sequence has yet to arrive.
          this.#rest = text;
          return;
        }
        this.#control(match[1]!, match[2]!);
        text = text.slice(1 + match[0].length);
        continue;
      }
      const [character = ""] = text;
      text = text.slice(character.length);
      this.#put(character);
    }
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#row = Math.min(this.#row + 1, this.lines - 1);
    else if (this.#column >= this.columns) this.overflowed = true;
    else this.#rows[this.#row]![this.#column++] = character;
  }

  #control(parameters: string, letter: string): void {
    const sequence = `${parameters}${letter}`;
    if (letter === "m") return;
    if (letter === "H") {
      const [row = 1, column = 1] = parameters.split(";").map(Number);
      this.#row = Math.min(row, this.lines) - 1;
      this.#column = column - 1;
    } else if (sequence === "K") this.#rows[this.#row]!.length = this.#column;
    else if (sequence === "J") {
      this.#rows[this.#row]!.length = this.#column;
      for (let row = this.#row + 1; row < this.lines; row++) this.#rows[row] = [];
    } else if (sequence === "2J") this.#rows = this.#blank();
    else if (sequence === "?1049h" || sequence === "?1049l") {
      this.alternate = letter === "h";
      this.#rows = this.#blank();
      this.#row = 0;
      this.#column = 0;
    } else if (sequence === "?25l" || sequence === "?25h") this.cursorHidden = letter === "l";
    else if (sequence !== "?7l" && sequence !== "?7h") this.unknown.push(sequence);
  }
}
