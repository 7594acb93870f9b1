/** `hftedge bench`: what this machine makes of the hot path. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { LoadResult } from "../thread/bench-load.ts";
import { type BenchReport, runBench } from "../thread/bench-run.ts";
import { planRun } from "../thread/plan.ts";
import { count, duration, percent } from "../unit.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { alignColumns, printJson, printLine, say } from "./output.ts";

interface BenchFlags {
  json?: true;
  rates: number[];
  seconds: number;
  receive: "event" | "poll";
}

const ratesMax = 6;
const rateMax = 1_000_000;

function ratesOf(text: string): number[] {
  const rates = text.split(",").map(Number);
  const fit = rates.every((rate) => Number.isInteger(rate) && rate >= 10 && rate <= rateMax);
  if (!fit || rates.length > ratesMax) {
    throw new InvalidArgumentError(`Give up to ${ratesMax} whole numbers from 10 to ${rateMax}.`);
  }
  return rates;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 10)) {
    throw new InvalidArgumentError("Give a number of seconds from 0.1 to 10.");
  }
  return seconds;
}

export function benchCommand(): Command {
  const command = new Command("bench")
    .description(
      "Measures this machine: ticks over loopback to the real feed thread, signals back, beside a\n" +
        "bare echo as the floor. Takes about half a minute and two cores, and changes nothing.",
    )
    .option("--json", "print the figures as JSON")
    .option("--rates <list>", "ticks a second, by commas", ratesOf, [1000, 10_000, 50_000])
    .option("--seconds <n>", "how long each rate is measured", secondsOf, 1.5)
    .addOption(
      new Option("--receive <way>", "how the feed thread takes datagrams")
        .choices(["event", "poll"])
        .default("event"),
    )
    .action(async (flags: BenchFlags) => {
      const { config, dataDirectory } = loadFromCommand(command, {
        feed: [
          `udp://127.0.0.1:0?format=tick&timestampUnit=us&name=bench&silenceMs=60000&receive=${flags.receive}`,
        ],
        "signal.emit": "every",
        "signal.ratePerSymbol": "0",
      });
      const report = await runBench({
        plan: planRun(config, dataDirectory, Date.now()),
        rates: flags.rates,
        seconds: flags.seconds,
        progress: (words) => {
          if (flags.json !== true) say(`… ${words}`);
        },
      });
      if (flags.json === true) printJson({ ...report, verdict: verdictOf(report) });
      else printLine(render(report));
    });
  return addConfigOptions(command, ["thread", "inference"]);
}

function cells(name: string, result: LoadResult): string[] {
  return [
    String(result.rate),
    name,
    ...[result.p50Ns, result.p99Ns, result.p999Ns, result.maxNs].map((ns) => duration(ns)),
    String(result.sent - result.answered),
    String(result.late),
  ];
}

function render(report: BenchReport): string {
  const rows = report.rates.flatMap(({ floor, edge }) => [
    cells("bare echo", floor),
    cells("tick to signal", edge),
  ]);
  const head = ["rate/s", "", "p50", "p99", "p99.9", "most", "lost", "sent late"];
  const stages = report.stages.map(({ stage, p50Ns, share }) => [
    stage,
    duration(p50Ns),
    percent(share),
  ]);
  return [
    alignColumns([head, ...rows]),
    alignColumns([["where the median goes", "", ""], ...stages]),
    verdictOf(report).join("\n"),
  ].join("\n\n");
}

/** In plain sentences, what the figures say, and what they do not. */
function verdictOf(report: BenchReport): string[] {
  const { rates, capacity, model, cpus } = report;
  const middle = rates[Math.floor(rates.length / 2)];
  const words: string[] = [];
  if (middle !== undefined && middle.edge.p50Ns !== null && middle.floor.p50Ns !== null) {
    const { edge, floor, rate } = middle;
    const own = edge.p50Ns! - floor.p50Ns!;
    const more = own > 0 ? `${duration(own)} more than` : "no more than";
    words.push(
      `At ${count(rate)} ticks a second a signal is out ${duration(edge.p50Ns!)} after its tick (median), ${more} an echo that does nothing.`,
    );
    if (edge.p99Ns! > 20 * edge.p50Ns!) {
      words.push(
        `One in a hundred takes more than ${duration(edge.p99Ns!)}: something else uses this machine's cores. hftedge doctor says what.`,
      );
    }
  }
  words.push(capacityWords(capacity));
  words.push(
    model.measured
      ? `The model (${model.model}) answers in ${model.p50Ms.toFixed(1)} ms (median of ${model.requests}, most ${model.maxMs.toFixed(1)} ms): what an unknown state waits for, once.`
      : `The model was not measured: ${model.why}.`,
  );
  words.push(
    cpus < 4
      ? `This machine has ${cpus} cores for the sender, the feed thread and everything else: they were in each other's way, and a box with more has lower figures.`
      : `The sender and the feed thread each had a core of the ${cpus}.`,
  );
  words.push("All of this is over loopback: network card and cable come on top.");
  return words;
}

function capacityWords({ lossFreeRate, endedBy }: BenchReport["capacity"]): string {
  if (lossFreeRate === 0) return "Even at the lowest rate tried, ticks were lost.";
  const rate = count(lossFreeRate);
  if (endedBy === "loss") return `Up to ${rate} ticks a second, one a datagram, none was lost.`;
  const why =
    endedBy === "sender" ? "above that the sender could not keep its times" : "the time was up";
  return `At ${rate} ticks a second, one a datagram, none was lost; ${why}, so it may be more.`;
}
