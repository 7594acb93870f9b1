import { expect, test } from "bun:test";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { simulateUnits, someUnitWeather } from "./channel-simulation.ts";

test("onlyInstrumentsOfUnitsThatLackNothingStand, whatever the lines of the others lose", () => {
  const seed = testSeed("units");
  let apart = 0;
  let healed = 0;
  for (let run = 0; run < scaled(60); run++) {
    const rng = random(seed + run);
    const weather = someUnitWeather(rng);
    const outcome = simulateUnits(seed + run, weather);
    const words = `HFTEDGE_TEST_SEED=${seed + run}: ${JSON.stringify(weather)}`;
    expect(outcome.unsafe, words).toEqual([]);
    expect(outcome.wrongBooks, words).toEqual([]);
    expect(outcome.silenced, words).toEqual([]);
    apart += outcome.apart;
    healed += outcome.healed;
  }
  // The weather was such that there was something to see.
  expect(apart).toBeGreaterThan(scaled(60));
  expect(healed).toBeGreaterThan(0);
}, 60_000);
