/** Files that are cut, garbled, empty or gone never stop an examination or make up numbers. */
import { describe, expect, test } from "bun:test";
import { examineBox, healthyFiles } from "../support/fake-box.ts";
import { random, type Random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const noise = "0123456789 \n\t:,-=kB[]abcpu\0\u{fffd}";

function damage(text: string, { int, next }: Random): string {
  const kind = next();
  if (kind < 0.15) return "";
  if (kind < 0.45) return text.slice(0, int(text.length + 1));
  if (kind < 0.6) return `${text}${text}`;
  const characters = [...text];
  for (let times = 1 + int(6); times > 0; times--) {
    characters[int(characters.length)] = noise[int(noise.length)]!;
  }
  return characters.join("");
}

function damaged(generator: Random): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(healthyFiles)) {
    if (generator.next() < 0.3) files[name] = damage(text, generator);
  }
  return files;
}

describe("damaged files", () => {
  test("give findings with real numbers, or none", async () => {
    const generator = random(testSeed("damaged files"));
    for (let round = scaled(25); round > 0; round--) {
      const diagnosis = await examineBox({
        files: damaged(generator),
        during: damaged(generator),
      });
      expect(diagnosis.incomplete).toEqual([]);
      for (const { id, evidence, values } of diagnosis.findings) {
        expect(`${id}: ${evidence}`).not.toMatch(/NaN|undefined|Infinity/);
        for (const value of Object.values(values)) {
          if (typeof value === "number")
            expect(`${id} ${Number.isFinite(value)}`).toBe(`${id} true`);
        }
      }
    }
  });
});
