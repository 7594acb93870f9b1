import { binaryPath } from "./binary.ts";
import { TerminalText } from "./terminal-text.ts";

/** `hftedge top` of the compiled program on a screen that a test can read and type to. */
export class TopTerminal {
  readonly screen: TerminalText;
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #colours = false;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.screen = new TerminalText(80, 24);
    const decoder = new TextDecoder();
    // Made by the spawn, the terminal controls the process, which is what tells it of resizes.
    this.#child = Bun.spawn([binaryPath(), "top", ...args], {
      terminal: {
        cols: 80,
        rows: 24,
        data: (_, data) => {
          const text = decoder.decode(data, { stream: true });
          this.#colours ||= /\[[1-9]\d*m/.test(text);
          this.screen.write(text);
        },
      },
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", TERM: "xterm", ...env },
    });
    this.#terminal = this.#child.terminal!;
  }

  get colours(): boolean {
    return this.#colours;
  }

  /** Waits until the screen is as wanted; the screen itself is the message when it never is. */
  async shows(wanted: (text: string) => boolean): Promise<string> {
    const endMs = performance.now() + 30_000;
    for (;;) {
      const text = this.screen.text.join("\n");
      if (wanted(text)) return text;
      if (performance.now() > endMs) throw new Error(`the screen stayed at:\n${text}`);
      await Bun.sleep(10);
    }
  }

  type(keys: string): void {
    this.#terminal.write(keys);
  }

  resize(columns: number, lines: number): void {
    this.screen.resize(columns, lines);
    this.#terminal.resize(columns, lines);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async ended(): Promise<number> {
    const code = await this.#child.exited;
    // What was written last may still be on its way.
    const endMs = performance.now() + 30_000;
    while (this.screen.alternate && performance.now() < endMs) await Bun.sleep(10);
    this.#terminal.close();
    return code;
  }
}
