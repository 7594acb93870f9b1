/**
 * A feed core that is recorded: the same one, with every datagram put into the ring before it, and
 * notes of what else it took (note.ts). A run without a recording has none of this in its way.
 */
import type { AnswerSource } from "../decision/port.ts";
import type { PendingTable } from "../decision/pending.ts";
import { Reason } from "../decision/signal.ts";
import { Metric } from "../telemetry/metric.ts";
import type { FeedCore } from "./feed-core.ts";
import type { NoteWriter } from "./note-writer.ts";
import { describeRun, sourceOf } from "./record-file.ts";

const count = Metric.feed;

/** Answers that somebody waits for are noted with the state that they are about. */
export class NotedAnswers implements AnswerSource {
  readonly #answers: AnswerSource;
  readonly #pending: PendingTable;
  readonly #notes: NoteWriter;
  readonly #key: Uint32Array;

  constructor(answers: AnswerSource, pending: PendingTable, keyWords: number, notes: NoteWriter) {
    this.#answers = answers;
    this.#pending = pending;
    this.#notes = notes;
    this.#key = new Uint32Array(keyWords);
  }

  shift(target: Uint32Array, at: number): boolean {
    if (!this.#answers.shift(target, at)) return false;
    const slot = target[at] as number;
    if (this.#pending.isCurrent(slot, target[at + 1] as number)) {
      this.#pending.readKey(slot, this.#key);
      this.#notes.answer(target[at + 2] as number, target[at + 3] as number, this.#key);
    }
    return true;
  }
}

export function notedCore(core: FeedCore, notes: NoteWriter, now: () => number): FeedCore {
  const { engine, pending, counters, recoveries } = core;
  const { health } = engine;
  /** Channels of each feed that were silent when the turn began. */
  const silent = recoveries.map(() => new Set<number>());
  const dueBefore = new Float64Array(recoveries.length);
  return {
    ...core,
    datagram(feed, line, bytes, length, receiveNs, nowNs) {
      notes.datagram(sourceOf(feed, line), bytes, length, receiveNs);
      const late = counters[count.lateDatagrams];
      core.datagram(feed, line, bytes, length, receiveNs, nowNs);
      if (counters[count.lateDatagrams] !== late) notes.late(now());
    },
    adopt(plan, targets, nowNs) {
      notes.change(nowNs, JSON.stringify(describeRun(plan).config));
      return core.adopt(plan, targets, nowNs);
    },
    poll(nowNs, idle = true) {
      notes.turn(nowNs, idle, pending.sweepAt);
      const evaluations = counters[count.evaluations];
      const { changes } = pending;
      for (let i = 0; i < recoveries.length; i++) dueBefore[i] = recoveries[i]!.dueNs;
      const silences = counters[count.silences];
      rememberSilent();
      core.poll(nowNs, idle);
      let happened = counters[count.evaluations] !== evaluations || pending.changes !== changes;
      for (let i = 0; i < recoveries.length; i++)
        happened ||= dueBefore[i] !== recoveries[i]!.dueNs;
      if (counters[count.silences] !== silences) noteSilences();
      if (happened) notes.happened();
      notes.endTurn();
    },
    stop(nowNs) {
      notes.stop(nowNs);
      core.stop(nowNs);
    },
  };

  function rememberSilent(): void {
    for (let feed = 0; feed < silent.length; feed++) {
      const before = silent[feed]!;
      if (before.size > 0) before.clear();
      for (let channel = 0; channel < health.channels[feed]!; channel++) {
        if (health.blocked(feed, channel) === Reason.silent) before.add(channel);
      }
    }
  }

  /** Silence is a matter of when datagrams were read, which a recording does not have. */
  function noteSilences(): void {
    silent.forEach((before, feed) => {
      for (let channel = 0; channel < health.channels[feed]!; channel++) {
        const isSilent = health.blocked(feed, channel) === Reason.silent;
        if (isSilent && !before.has(channel)) notes.silence(feed, channel);
      }
    });
  }
}
