/** Puts the view on a stream: in place on a terminal, one plain line at a time elsewhere. */
import {
  renderFrame,
  renderPlain,
  renderSummary,
  type ViewLook,
  type ViewSnapshot,
} from "./view.ts";

/** What is needed of process.stderr. */
export interface ViewStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const plainEveryMs = 1000;

export class LiveView {
  readonly #stream: ViewStream;
  readonly #inPlace: boolean;
  readonly #colour: boolean;
  #before: ViewSnapshot | null = null;
  #drawn = 0;
  #plainAtMs = plainEveryMs;

  /** `environment` is process.env: NO_COLOR (https://no-color.org) and TERM are looked at. */
  constructor(stream: ViewStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#inPlace = stream.isTTY === true && environment["TERM"] !== "dumb";
    this.#colour = this.#inPlace && (environment["NO_COLOR"] ?? "") === "";
  }

  /** Draws the snapshot; call it a few times a second. Elsewhere than on a terminal most are skipped. */
  show(now: ViewSnapshot): void {
    if (this.#inPlace) this.#redraw(renderFrame(now, this.#before, this.#look()));
    else {
      if (now.elapsedMs < this.#plainAtMs) return;
      this.#plainAtMs = (Math.floor(now.elapsedMs / plainEveryMs) + 1) * plainEveryMs;
      this.#stream.write(`${renderPlain(now, this.#before)}\n`);
    }
    this.#before = now;
  }

  /** Draws the last state once more, gives the cursor back and says what the run did. */
  end(now: ViewSnapshot): void {
    if (this.#inPlace) {
      this.#redraw(renderFrame(now, null, this.#look()));
      this.#stream.write("\x1b[?25h");
    }
    this.#stream.write(`${renderSummary(now).join("\n")}\n`);
  }

  #look(): ViewLook {
    const { columns, rows } = this.#stream;
    return { columns: columns || 80, lines: rows || 24, colour: this.#colour };
  }

  /** Up to the first line, each line over the old one, and what the last frame had below it away. */
  #redraw(frame: readonly string[]): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "\x1b[?25l";
    const lines = frame.map((line) => `\r${line}\x1b[K\n`).join("");
    this.#stream.write(`${up}${lines}\x1b[J`);
    this.#drawn = frame.length;
  }
}
