/** Remedies are pasted into a root shell, so what comes from outside is one word in them. */
import { describe, expect, test } from "bun:test";
import { advice, type Advice, type FindingId } from "../../src/doctor/advice.ts";
import { fillRemedy, finding } from "../../src/doctor/finding.ts";

/** The words that a real shell makes of a line. */
function shellWords(line: string): string[] {
  const script = `printf '%s\\0' ${line}`;
  return Bun.spawnSync(["sh", "-c", script]).stdout.toString().split("\0").slice(0, -1);
}

describe("values in a remedy", () => {
  test.each(["/data", "/my data", "/a;touch b", "/it's", "$(id)", "`id`", '"', "&", "*", "{x}"])(
    "%p is one word of a shell",
    (text) => {
      expect(shellWords(fillRemedy("df -h {directory}", { directory: text }))).toEqual([
        "df",
        "-h",
        text,
      ]);
    },
  );

  test("a model's name stays within its request", () => {
    const load = JSON.stringify({ model: `m'"; id #`, keep_alive: -1 });
    const { remedy } = finding("ollama.keep-alive", "warning", "", {}, "http://h:1", {
      words: { load },
    });
    expect(shellWords(remedy)).toEqual(["curl", "-sS", "http://h:1/api/generate", "-d", load]);
  });

  test("what a server says cannot drive the terminal", () => {
    const evidence = `A request failed: \x1b[2J\n${"x".repeat(5000)}`;
    const found = finding("ollama.warm", "warning", evidence, {}, "http://h:1");
    expect(found.evidence).toStartWith("A request failed:  [2J xxx");
    expect(found.evidence).toHaveLength(2000);
  });

  test("places within quotes of the advice itself hold numbers only", () => {
    // Inside quotes a quoted value would end them.
    const quotedPlace = /'[^' ]*\{(\w+)\}[^']*'|'[^']*\{(\w+)\}[^' ]*'/;
    const places = Object.keys(advice).flatMap((id) => {
      const { remedy, remedyWhen }: Advice = advice[id as FindingId];
      return [remedy, ...Object.values(remedyWhen ?? {})].flatMap((line) => {
        const match = quotedPlace.exec(line);
        return match === null ? [] : [match[1] ?? match[2]];
      });
    });
    expect(places).toEqual(["port"]);
  });
});
