/** A whole replay, from plain options to its summary. */
import { type Clock, SystemClock } from "./clock.ts";
import { type ImpairmentOptions } from "./impairment.ts";
import { type LineTarget, UdpLine } from "./line.ts";
import { openSource, type OpenOptions } from "./open.ts";
import { Pace } from "./pace.ts";
import { Player, type PlayState } from "./play.ts";
import type { ReplaySummary } from "./report.ts";
import { type ReplayServer, serve, type ServerOptions } from "./server.ts";
import { ServerState } from "./server-state.ts";
import { AckWindow } from "./window.ts";

const lingerStepNs = 50e6;

export interface ReplayOptions {
  file: string;
  /** All get the same datagrams, each with an impairment of its own; at least one. */
  targets: readonly LineTarget[];
  open: OpenOptions;
  /** Infinity: as fast as possible. */
  speed: number;
  /** Infinity: until stopped. */
  passes: number;
  /** Infinity: the whole file. */
  limit: number;
  burst: number;
  impairment: ImpairmentOptions;
  endOfSession: boolean;
  /** Pacing by acknowledgements of the first target, or undefined. */
  ack: { window: number; bytes: number; timeoutMs: number } | undefined;
  /** Answers to requests for what was sent, and snapshots of it; `lingerMs` longer than the file. */
  server?: ServerOptions & { lingerMs: number };
}

/** What a replay tells while it runs. */
export interface ReplayHooks {
  stopped: () => boolean;
  onProgress: (state: PlayState) => void;
  onServing?: (server: ReplayServer) => void;
  clock?: Clock;
}

/**
 * Sends the file. A file that turns out broken is no exception but `summary.error`, because what came
 * before was sent; an address or a file that cannot be opened throws EdgeError.
 */
export async function replay(options: ReplayOptions, hooks: ReplayHooks): Promise<ReplaySummary> {
  // The file comes before any socket, so that a wrong path is the first complaint. It is opened only
  // once a pass, because standard input cannot be read again.
  const first = await openSource(options.file, options.open, 1);
  const { ack } = options;
  const window = ack && new AckWindow(ack.window, ack.bytes, ack.timeoutMs * 1e6);
  const lines: UdpLine[] = [];
  const { server } = options;
  const memory = server && new ServerState(server.messagesMax);
  let serving: ReplayServer | undefined;
  try {
    if (server !== undefined && memory !== undefined) {
      serving = await serve(server, memory);
      hooks.onServing?.(serving);
    }
    for (const [index, target] of options.targets.entries()) {
      const onAck = (count: number): void => {
        if (index === 0) window?.acknowledge(count);
      };
      lines.push(await UdpLine.open(target, onAck));
    }
    const pace = new Pace(options.speed);
    const player = new Player({
      open: async (pass) => (pass === 1 ? first : openSource(options.file, options.open, pass)),
      lines,
      impairment: options.impairment,
      pace,
      clock: hooks.clock ?? new SystemClock(),
      window,
      passes: options.passes,
      limit: options.limit,
      burst: options.burst,
      endOfSession: options.endOfSession,
      stopped: hooks.stopped,
      onProgress: hooks.onProgress,
      ...(memory === undefined ? {} : { tap: memory.take.bind(memory) }),
    });
    const state = await player.play();
    if (server !== undefined) await linger(server.lingerMs, hooks);
    return summaryOf(options, state, lines, pace, window, hooks.stopped(), memory);
  } finally {
    serving?.close();
    for (const line of lines) line.close();
    await first.close();
  }
}

/** A receiver may still ask for the last messages. */
async function linger(durationMs: number, hooks: ReplayHooks): Promise<void> {
  const clock = hooks.clock ?? new SystemClock();
  const endNs = clock.nowNs() + durationMs * 1e6;
  while (clock.nowNs() < endNs && !hooks.stopped()) {
    await clock.sleepUntil(Math.min(endNs, clock.nowNs() + lingerStepNs));
  }
}

function summaryOf(
  options: ReplayOptions,
  state: PlayState,
  lines: readonly UdpLine[],
  pace: Pace,
  window: AckWindow | undefined,
  stopped: boolean,
  memory: ServerState | undefined,
): ReplaySummary {
  const elapsedSeconds = state.elapsedNs / 1e9;
  const { error } = state;
  const limited = state.datagrams >= options.limit;
  return {
    file: options.file,
    end: error !== undefined ? "broken" : stopped ? "stopped" : limited ? "limit" : "complete",
    passes: state.pass,
    elapsedSeconds,
    datagrams: state.datagrams,
    bytes: state.bytes,
    datagramsPerSecond: elapsedSeconds > 0 ? state.datagrams / elapsedSeconds : 0,
    positionSeconds: state.positionNs / 1e9,
    heartbeats: state.heartbeats,
    source: state.source,
    lines: lines.map((line, index) => ({
      to: line.name,
      ...line.counts,
      impairment: { ...state.impairments[index]!.counts },
    })),
    pace: pace.counts,
    server: memory === undefined ? null : { ...memory.counts },
    ack:
      window === undefined
        ? null
        : {
            acknowledged: window.acknowledged,
            unacknowledged: window.sent - window.acknowledged,
            silences: window.silences,
          },
    cut: state.cut ?? null,
    error:
      error === undefined ? null : { code: error.code, message: error.message, hint: error.hint },
  };
}
