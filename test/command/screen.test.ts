import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { parseKeys, Screen } from "../../src/command/screen.ts";

describe("keys", () => {
  test.each([
    ["q", ["q"]],
    ["\x03", ["interrupt"]],
    ["\x1b[A\x1b[B", ["up", "down"]],
    ["\x1bOA\x1bOB", ["up", "down"]],
    ["\x1b[5~\x1b[6~", ["page-up", "page-down"]],
    ["\x1b[H\x1b[F\x1b[1~\x1b[4~", ["home", "end", "home", "end"]],
    ["\x1b", ["escape"]],
    ["\r\x7f", ["enter", "backspace"]],
    ["sé😀", ["s", "é", "😀"]],
    ["", []],
  ])("%j", (text, keys) => {
    expect(parseKeys(text)).toEqual(keys);
  });

  test("unknown sequences are passed over whole: their letters are no keys", () => {
    expect(parseKeys("\x1b[1;5Cq\x1b[24~s\x1bOP")).toEqual(["q", "s"]);
    expect(parseKeys("\x1b[<0;10;5M")).toEqual([]);
  });
});

class Output extends EventEmitter {
  columns = 80;
  rows = 24;
  text = "";
  write(text: string): void {
    this.text += text;
  }
}

class Input extends EventEmitter {
  isTTY = true;
  raw: boolean[] = [];
  paused = false;
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
  resume(): void {
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
}

describe("a screen", () => {
  test("leaves the terminal as it found it, however often it is closed", () => {
    const output = new Output();
    const input = new Input();
    const screen = new Screen(
      output,
      input,
      () => undefined,
      () => undefined,
    );
    screen.open();
    expect(output.text).toBe("\x1b[?1049h\x1b[?25l\x1b[?7l");
    output.text = "";
    screen.close();
    screen.close();
    expect(output.text).toBe("\x1b[?7h\x1b[?25h\x1b[?1049l");
    expect(input.raw).toEqual([true, false]);
    expect(input.paused).toBe(true);
    expect(output.listenerCount("resize") + input.listenerCount("data")).toBe(0);
  });

  test("draws only what differs from the last frame, and no more lines than there are", () => {
    const output = new Output();
    const screen = new Screen(
      output,
      new Input(),
      () => undefined,
      () => undefined,
    );
    screen.draw(["too early"]);
    expect(output.text).toBe("");
    screen.open();
    output.text = "";
    output.rows = 2;
    screen.draw(["a", "b", "c"]);
    expect(output.text).toBe("\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K");
    output.text = "";
    screen.draw(["a", "x"]);
    expect(output.text).toBe("\x1b[2;1Hx\x1b[K");
    output.text = "";
    screen.draw(["a"]);
    expect(output.text).toBe("\x1b[2;1H\x1b[J");
    output.text = "";
    screen.draw(["a"]);
    expect(output.text).toBe("");
    screen.close();
  });

  test("hands on keys and resizes, the latter after a clean slate", () => {
    const output = new Output();
    const input = new Input();
    const keys: string[] = [];
    let resizes = 0;
    const screen = new Screen(
      output,
      input,
      (key) => keys.push(key),
      () => resizes++,
    );
    screen.open();
    input.emit("data", Buffer.from("s\x1b[Bq"));
    expect(keys).toEqual(["s", "down", "q"]);
    output.text = "";
    output.columns = 132;
    output.emit("resize");
    expect(output.text).toBe("\x1b[2J");
    expect(resizes).toBe(1);
    screen.draw(["again"]);
    expect(output.text).toContain("again");
    expect(screen.size).toEqual({ columns: 132, lines: 24 });
    screen.close();
  });

  test("without a keyboard still shows", () => {
    const output = new Output();
    const input = new Input();
    input.isTTY = false;
    const screen = new Screen(
      output,
      input,
      () => undefined,
      () => undefined,
    );
    screen.open();
    screen.draw(["x"]);
    screen.close();
    expect(input.raw).toEqual([]);
    expect(output.text).toContain("x\x1b[K");
  });
});
