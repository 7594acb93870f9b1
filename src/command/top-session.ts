/** The full-screen view while it is open: what was told, what is shown of it, and the keys. */
import type { StreamEvent, StreamState } from "../web/event-stream.ts";
import { Screen } from "./screen.ts";
import { connecting, topSorts, type TopLook } from "./top-line.ts";
import { TopNews } from "./top-news.ts";
import { renderTop } from "./top-view.ts";

/** Ages are drawn anew this often while no news comes; news is drawn when it comes. */
export const redrawMs = 1000;

/** What is wrong with the connection in words; "" while it is well. */
export function troubleOf(state: StreamState): string {
  if (state.kind === "open") return "";
  return state.kind === "lost" ? state.reason : connecting;
}

export class TopSession {
  readonly #news = new TopNews();
  readonly #stop: AbortController;
  readonly #screen: Screen;
  readonly #look: Pick<TopLook, "colour" | "address">;
  #paused: ReturnType<TopNews["model"]> | undefined;
  #trouble = connecting;
  #sort = 0;
  #offset = 0;
  #help = false;
  #drawnMs = 0;

  constructor(address: string, colour: boolean, stop: AbortController) {
    this.#look = { address, colour };
    this.#stop = stop;
    this.#screen = new Screen(
      process.stdout,
      process.stdin,
      (key) => this.#key(key),
      () => this.draw(),
    );
  }

  take(event: StreamEvent): void {
    this.#news.take(event, Date.now());
    this.draw();
  }

  /** For the time between news: what is shown grows older. */
  tick(): void {
    if (performance.now() - this.#drawnMs >= redrawMs) this.draw();
  }

  set state(state: StreamState) {
    // A first refusal is told at once; while it tries again, the last reason stays.
    if (state.kind !== "connecting") this.#trouble = troubleOf(state);
    this.draw();
  }

  open(): void {
    this.#screen.open();
    this.draw();
  }

  close(): void {
    this.#screen.close();
  }

  draw(): void {
    const nowMs = Date.now();
    const model = this.#paused ?? this.#news.model();
    const { columns, lines } = this.#screen.size;
    const frame = renderTop(model, {
      ...this.#look,
      columns,
      lines,
      sort: topSorts[this.#sort]!,
      offset: this.#offset,
      paused: this.#paused !== undefined,
      help: this.#help,
      trouble: this.#trouble,
      nowMs,
    });
    this.#offset = frame.offset;
    this.#drawnMs = performance.now();
    this.#screen.draw(frame.lines);
  }

  #key(key: string): void {
    const page = Math.max(1, this.#screen.size.lines >> 1);
    switch (key) {
      case "q":
      case "interrupt":
        this.#stop.abort();
        return;
      case "suspend":
        this.#screen.close();
        // Returns when the shell lets the job go on.
        process.kill(process.pid, "SIGSTOP");
        this.#screen.open();
        break;
      case " ":
        this.#paused = this.#paused === undefined ? this.#news.model() : undefined;
        break;
      case "s":
        this.#sort = (this.#sort + 1) % topSorts.length;
        this.#offset = 0;
        break;
      case "h":
      case "?":
        this.#help = !this.#help;
        break;
      case "escape":
        this.#help = false;
        break;
      case "up":
      case "k":
        this.#offset--;
        break;
      case "down":
      case "j":
        this.#offset++;
        break;
      case "page-up":
        this.#offset -= page;
        break;
      case "page-down":
        this.#offset += page;
        break;
      case "home":
      case "g":
        this.#offset = 0;
        break;
      case "end":
      case "G":
        this.#offset = Number.MAX_SAFE_INTEGER;
        break;
      default:
        return;
    }
    this.draw();
  }
}
