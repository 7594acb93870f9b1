/** `hftedge top` in a real pseudo-terminal, against a server of the stream. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { TerminalText } from "../support/terminal-text.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const encoder = new TextEncoder();

/** A server of the stream that can be told to speak, to hang up and to come back. */
class StreamServer {
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #news: Record<string, unknown> = {};
  #server = this.#listen(0);
  readonly port = this.#server.port!;

  #listen(port: number) {
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: () => {
        let mine: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            mine = controller;
            this.#streams.add(controller);
            controller.enqueue(encoder.encode(`retry: 50\n\n${this.#text()}`));
          },
          cancel: () => {
            this.#streams.delete(mine);
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
    });
  }

  #text(): string {
    return `data: ${JSON.stringify(this.#news)}\n\n`;
  }

  say(news: Record<string, unknown>): void {
    this.#news = { ...this.#news, ...news };
    for (const stream of this.#streams) stream.enqueue(encoder.encode(this.#text()));
  }

  async stop(): Promise<void> {
    this.#streams.clear();
    await this.#server.stop(true);
  }

  restart(): void {
    this.#server = this.#listen(this.port);
  }
}

class Top {
  readonly screen: TerminalText;
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #colours = false;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.screen = new TerminalText(80, 24);
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data: (_, data) => {
        const text = decoder.decode(data, { stream: true });
        this.#colours ||= text.includes("\x1b[3") || text.includes("\x1b[7m");
        this.screen.write(text);
      },
    });
    this.#child = Bun.spawn([process.execPath, main, "top", ...args], {
      terminal: this.#terminal,
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", TERM: "xterm", ...env },
    });
  }

  get colours(): boolean {
    return this.#colours;
  }

  /** Waits until the screen is as wanted; the screen itself is the message when it never is. */
  async shows(wanted: (text: string) => boolean): Promise<string> {
    const endMs = performance.now() + 10_000;
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
    const endMs = performance.now() + 5000;
    while (this.screen.alternate && performance.now() < endMs) await Bun.sleep(10);
    this.#terminal.close();
    return code;
  }
}
