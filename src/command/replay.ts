/** `hftedge replay`: a capture, an ITCH file or a tick file out to UDP. */
import { Command, Option } from "commander";
import { EdgeError } from "../error.ts";
import type { TickField } from "../replay/column.ts";
import { reorderDepthMax, type ImpairmentOptions } from "../replay/impairment.ts";
import type { LineTarget } from "../replay/line.ts";
import { fileFormats, type FileFormat } from "../replay/open.ts";
import type { Destination } from "../replay/packet.ts";
import { progressLine, summaryLines } from "../replay/report.ts";
import { replay, type ReplayOptions } from "../replay/replay.ts";
import type { PlayState } from "../replay/play.ts";
import type { ServerAddress } from "../replay/server.ts";
import { whole } from "./argument.ts";
import { printJson, say } from "./output.ts";
import { column, destination, listenAddress, probability, speed, target } from "./replay-option.ts";

interface ReplayFlags {
  to: LineTarget[];
  speed: number;
  loop?: true | number;
  limit?: number;
  format?: FileFormat;
  filter?: Destination[];
  session: string;
  endOfSession?: true;
  column?: Partial<Record<TickField, string>>;
  ack?: true;
  ackWindow: number;
  ackTimeout: number;
  burst: number;
  seed: number;
  drop: number;
  duplicate: number;
  reorder: number;
  reorderDepth: number;
  truncate: number;
  serveRerequest?: ServerAddress;
  serveSnapshot?: ServerAddress;
  serveMessages: number;
  answerDrop: number;
  linger: number;
  json?: true;
  progress: boolean;
}

/**
 * Of the receiver's buffer: Linux gives 208 KiB without root, and what waits in it for a reader that
 * is late must fit with room to spare.
 */
const ackBufferBytes = 160 * 1024;

export function replayCommand(): Command {
  return new Command("replay")
    .description(
      "Sends a capture (pcap, pcapng), a file of length-prefixed ITCH 5.0 or a tick file (NDJSON, CSV) " +
        "to a UDP address, with its own timing or another. Each may be gzipped; - reads standard input.",
    )
    .argument("<file>", "what to send")
    .requiredOption(
      "--to <udp-url>",
      "where to, as udp://HOST:PORT[?interface=NAME&ttl=N]; give it twice for A and B lines",
      target,
    )
    .option("--speed <n>", "1 or original, N times faster, or max", speed, 1)
    .option(
      "--loop [n]",
      "send the file n times, or without end; each pass over an ITCH file is a new session",
      whole(1, 1e9),
    )
    .option(
      "--limit <n>",
      "send at most n datagrams of the file",
      whole(1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(
      new Option(
        "--format <format>",
        "what the file is, where its first bytes do not tell",
      ).choices([...fileFormats]),
    )
    .option(
      "--filter <address>",
      "of a capture, only what was sent to HOST:PORT, HOST or :PORT; may be repeated",
      destination,
    )
    .option(
      "--column <field=name>",
      "of a CSV file, which column a field is in; may be repeated",
      column,
    )
    .option(
      "--session <name>",
      "of an ITCH file, the MoldUDP64 session, before the number of the pass",
      "REPLAY",
    )
    .option(
      "--end-of-session",
      "end with the sign that the session is over (the receiver stops trusting its books)",
    )
    .option(
      "--ack",
      "keep to what the receiver acknowledges, so that nothing is lost (its feed needs ack = true)",
    )
    .option("--ack-window <n>", "the most datagrams under way with --ack", whole(65, 65_536), 256)
    .option(
      "--ack-timeout <ms>",
      "how long an acknowledgement is waited for",
      whole(1, 600_000),
      1000,
    )
    .option(
      "--burst <n>",
      "the most datagrams in a row before signals and acknowledgements are looked at",
      whole(1, 4096),
      64,
    )
    .option("--seed <n>", "seed of the impairment", whole(0, 0xffff_ffff), 1)
    .option("--drop <p>", "probability that a datagram is dropped", probability, 0)
    .option("--duplicate <p>", "probability that it is sent twice", probability, 0)
    .option("--reorder <p>", "probability that it is held back behind later ones", probability, 0)
    .option(
      "--reorder-depth <n>",
      "the most datagrams that it is held back behind",
      whole(1, reorderDepthMax),
      4,
    )
    .option("--truncate <p>", "probability that it is cut short", probability, 0)
    .option(
      "--serve-rerequest <address>",
      "answer MoldUDP64 retransmission requests on HOST:PORT",
      listenAddress,
    )
    .option("--serve-snapshot <address>", "give GLIMPSE snapshots on HOST:PORT", listenAddress)
    .option(
      "--serve-messages <n>",
      "how many of the last messages can be asked for again",
      whole(1, 1e8),
      1_000_000,
    )
    .option(
      "--answer-drop <p>",
      "probability that an answer to a request is dropped",
      probability,
      0,
    )
    .option(
      "--linger <ms>",
      "how long to go on serving after the last datagram",
      whole(0, 3_600_000),
      2000,
    )
    .option("--json", "print the summary as JSON")
    .option("--no-progress", "show no progress on stderr")
    .action(run);
}

async function run(file: string, flags: ReplayFlags): Promise<void> {
  if (file === "-" && flags.loop !== undefined) {
    throw new EdgeError("REPLAY_LOOP", "standard input can be read only once", "Leave out --loop.");
  }
  const impairment: ImpairmentOptions = flags;
  const options: ReplayOptions = {
    file: file === "-" ? "/dev/stdin" : file,
    targets: flags.to,
    open: {
      format: flags.format,
      destinations: flags.filter ?? [],
      session: flags.session,
      columns: flags.column ?? {},
    },
    speed: flags.speed,
    passes: flags.loop === true ? Number.POSITIVE_INFINITY : (flags.loop ?? 1),
    limit: flags.limit ?? Number.POSITIVE_INFINITY,
    burst: flags.burst,
    impairment,
    endOfSession: flags.endOfSession === true,
    ack:
      flags.ack === true
        ? { window: flags.ackWindow, bytes: ackBufferBytes, timeoutMs: flags.ackTimeout }
        : undefined,
    ...serverOf(flags),
  };
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const progress = new Progress(flags.progress && flags.json !== true);
  try {
    const summary = await replay(options, {
      stopped: () => stopped,
      onProgress: (state) => progress.show(state),
      onServing: ({ rerequestPort, snapshotPort }) => {
        if (flags.json === true) return;
        if (rerequestPort > 0) say(`answering requests on port ${rerequestPort}`);
        if (snapshotPort > 0) say(`giving snapshots on port ${snapshotPort}`);
      },
    });
    progress.end();
    if (flags.json === true) printJson(summary);
    else for (const line of summaryLines(summary, impairment)) say(line);
    if (summary.error === null) return;
    process.exitCode = 1;
    if (flags.json === true) return;
    say(`hftedge: ${summary.error.message}`);
    say(`  ${summary.error.hint}`);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

function serverOf(flags: ReplayFlags): Pick<ReplayOptions, "server"> {
  const { serveRerequest: rerequest, serveSnapshot: snapshot } = flags;
  if (rerequest === undefined && snapshot === undefined) return {};
  return {
    server: {
      messagesMax: flags.serveMessages,
      rerequest,
      snapshot,
      answerDrop: flags.answerDrop,
      seed: flags.seed,
      lingerMs: flags.linger,
    },
  };
}

/** Redraws one line on a terminal ten times a second; writes one every five seconds elsewhere. */
class Progress {
  readonly #shown: boolean;
  readonly #terminal = process.stderr.isTTY === true;
  #nextNs = 0;
  #drawn = false;

  constructor(shown: boolean) {
    this.#shown = shown;
  }

  show(state: PlayState): void {
    if (!this.#shown || state.elapsedNs < this.#nextNs) return;
    const first = this.#nextNs === 0;
    this.#nextNs = state.elapsedNs + (this.#terminal ? 1e8 : 5e9);
    if (this.#terminal) {
      const width = process.stderr.columns || 80;
      process.stderr.write(`\r\x1b[K${progressLine(state).slice(0, width - 1)}`);
      this.#drawn = true;
    } else if (!first) say(progressLine(state));
  }

  end(): void {
    if (this.#drawn) process.stderr.write("\r\x1b[K");
  }
}
