/** `hftedge explain SEQ`: why a past signal was given. */
import { Command, InvalidArgumentError } from "commander";
import { explain, type Explanation } from "../thread/explain.ts";
import { duration } from "../unit.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { printJson, printLine } from "./output.ts";

export function explainCommand(): Command {
  const command = new Command("explain")
    .description(
      "Shows what is behind a past signal: its input, book, state, question, version and times. Where\n" +
        "the run was recorded (record.enabled), it replays the recording to the same signal, whatever\n" +
        "it came of: the table, the model, an error, a deadline, a hold, a backlog, a gap.",
    )
    .argument("<seq>", "sequence of the signal, as `query signals` shows it", sequence)
    .option(
      "--run <key>",
      "run of the signal, 16 hexadecimal digits; the last one that has it",
      key,
    )
    .option("--json", "print it as JSON")
    .action(async (seq: number, options: { run?: string; json?: true }) => {
      const { config, dataDirectory } = loadFromCommand(command);
      const explanation = await explain(config, dataDirectory, seq, options.run);
      if (options.json === true) printJson(explanation);
      else for (const line of linesOf(explanation)) printLine(line);
      // Scripts can ask whether what was recorded still gives the same.
      if (explanation.replay?.reproduced === false) process.exitCode = 2;
    });
  return addConfigOptions(command, ["data", "record", "inference", "state"]);
}

function sequence(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Give the number of a signal.");
  return Number(text);
}

function key(text: string): string {
  if (!/^[0-9a-f]{16}$/.test(text)) throw new InvalidArgumentError("Give 16 hexadecimal digits.");
  return text;
}

/** "2026-01-30T14:30:00.123456789Z" */
function timeOf(epochNs: string): string {
  if (epochNs === "0") return "unknown";
  const ns = BigInt(epochNs);
  const iso = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${iso}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
}

function linesOf({ signal, state, prompt, configuration, replay }: Explanation): string[] {
  const reason = signal.reason === "" ? "" : ` (${signal.reason})`;
  const age = signal.ageMs === null ? "unknown" : duration(signal.ageMs * 1e6);
  const lines = [
    `${signal.signal} ${signal.symbol}, confidence ${signal.confidence}: signal ${signal.seq} of run ${signal.run}`,
    `  source    ${signal.source}${reason}, version ${signal.version}, answer ${age} old`,
    `  input     message ${signal.inputSeq} of feed ${signal.feed}, price ${signal.price}`,
    `  exchange  ${timeOf(signal.exchangeTime)}`,
    `  received  ${timeOf(signal.receiveTime)}`,
    `  emitted   ${timeOf(signal.emitTime)}, ${duration(signal.latencyNs)} later; lives ${signal.ttlMs} ms`,
    `  state     ${state.length === 0 ? "none" : state.join("; ")} (configuration ${configuration})`,
  ];
  if (prompt !== null) lines.push("  prompt", ...prompt.split("\n").map((line) => `    ${line}`));
  lines.push(...replayLines(replay));
  return lines;
}

function side(price: number | null, size: number): string {
  return price === null ? "none" : `${size} at ${price}`;
}

function replayLines(replay: Explanation["replay"]): string[] {
  if (replay === null) return ["  replay    none: the run was not recorded"];
  const { book, differences, answer } = replay;
  const lines = [
    `  replay    ${replay.reproduced ? "reproduced: gives the same signal" : "NOT reproduced"}, after ${replay.datagrams} datagrams of ${replay.files} files`,
  ];
  for (const [field, [ours, theirs]] of Object.entries(differences)) {
    lines.push(`    ${field}: ${String(ours)}, in the replay ${String(theirs)}`);
  }
  if (replay.note !== "") lines.push(`    ${replay.note}`);
  if (answer !== null) {
    const { outcome, reason, waitedMs } = answer;
    const why = reason === "" ? "" : ` (${reason})`;
    lines.push(`  answer    ${outcome}${why}, ${duration(waitedMs * 1e6)} after it was asked for`);
  }
  if (book !== null) {
    const { bid, bidSize, ask, askSize, last, lastSize } = book;
    lines.push(
      `  book      bid ${side(bid, bidSize)}, ask ${side(ask, askSize)}, last ${side(last, lastSize)}`,
    );
  }
  return lines;
}
