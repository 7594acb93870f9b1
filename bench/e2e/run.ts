/**
 * Tick to signal over loopback, open loop, beside two floors and beside the pipeline that guides to
 * this subject describe: `bun run bench:e2e [--rates 1000,20000,100000] [--guide-rates 1000,5000]
 * [--seconds 4] [--warmup 2] [--rounds 3] [--out dist/bench-e2e]`. An empty list of rates leaves its
 * part out.
 *
 * Rounds are interleaved, and the quoted ratios are medians of the rounds' own ratios, because shared
 * machines drift. Writes OUT.json and OUT.md.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { reportHead } from "../machine.ts";
import type { CapacityResult } from "./capacity.ts";
import { drive } from "./drive.ts";
import type { LoadResult } from "./load.ts";
import type { LossFreeResult } from "./loss-free.ts";
import { type EndToEndReport, markdown } from "./markdown.ts";
import {
  type Contender,
  edgeOnChange,
  edgeOnChangePolled,
  edgeOnItch,
  edgeOnItchPolled,
  edgeOnTicks,
  edgeOnTicksPolled,
  guide,
  itchContenders,
} from "./subject.ts";

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "1000,20000,100000" },
    "guide-rates": { type: "string", default: "1000,5000" },
    seconds: { type: "string", default: "4" },
    warmup: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    out: { type: "string", default: "dist/bench-e2e" },
  },
});
const rounds = Number(values.rounds);
const messagesOfDatagram = 40;
/** Enough for a second or two of each. */
const guideDatagrams = 25_000;
const edgeDatagrams = 500_000;

function list(text: string): number[] {
  return text === "" ? [] : text.split(",").map(Number);
}

const report: EndToEndReport = {
  ...(await reportHead()),
  rounds,
  seconds: Number(values.seconds),
  warmupSeconds: Number(values.warmup),
  latency: [],
  lossFree: [],
  capacity: [],
};

async function measure(part: "floors" | "guide", contenders: readonly Contender[], rate: number) {
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const args = [contender.answer, rate, report.seconds, report.warmupSeconds];
      const result = await drive<LoadResult>("load.ts", contender, args);
      report.latency.push({ part, rate, round, contender: contender.name, result });
      console.log(
        `${contender.name}, ${rate}/s: p50 ${result.p50Us.toFixed(1)} µs, lost ${result.lost}`,
      );
    }
  }
}

async function fill(contender: Contender, datagrams: number, messages: number, round: number) {
  const result = await drive<CapacityResult>("capacity.ts", contender, [
    contender.answer,
    datagrams,
    messages,
  ]);
  report.capacity.push({ round, contender: contender.name, result });
  console.log(
    `${contender.name}: ${Math.round(result.datagramsPerSecond)} datagrams/s, unanswered ${result.unanswered}`,
  );
}

for (const rate of list(values.rates)) await measure("floors", itchContenders, rate);
for (let round = 0; round < (values.rates === "" ? 0 : rounds); round++) {
  for (const contender of [edgeOnItch, edgeOnItchPolled]) {
    const result = await drive<LossFreeResult>("loss-free.ts", contender, [report.seconds]);
    report.lossFree.push({ round, contender: contender.name, result });
    console.log(`${contender.name}: ${result.lossFree} datagrams/s without loss`);
  }
}
if (guide === undefined) console.log("no python3: the guides' pipeline is left out");
else {
  const rates = list(values["guide-rates"]);
  for (const rate of rates) await measure("guide", [guide, edgeOnTicks, edgeOnTicksPolled], rate);
  for (let round = 0; round < (rates.length > 0 ? rounds : 0); round++) {
    await fill(guide, guideDatagrams, 1, round);
    await fill(edgeOnTicks, edgeDatagrams, 1, round);
    await fill(edgeOnTicksPolled, edgeDatagrams, 1, round);
    await fill(edgeOnChange, edgeDatagrams, 1, round);
    await fill(edgeOnChangePolled, edgeDatagrams, 1, round);
    await fill(edgeOnItch, edgeDatagrams, messagesOfDatagram, round);
    await fill(edgeOnItchPolled, edgeDatagrams, messagesOfDatagram, round);
  }
}

mkdirSync(dirname(values.out), { recursive: true });
await Bun.write(`${values.out}.json`, `${JSON.stringify(report, null, 2)}\n`);
const text = markdown(report);
await Bun.write(`${values.out}.md`, text);
console.log(`\n${text}\n${values.out}.json and ${values.out}.md written`);
