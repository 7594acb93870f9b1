/**
 * A run in virtual time: the steps of a recording through the same feed core, with what the feed
 * thread took from the clock, the operator and inference taken out of the recording's notes.
 */
import type { PendingTable } from "../decision/pending.ts";
import { Field, readSignal, type Signal, signalWords } from "../decision/signal.ts";
import type { Config } from "../config/schema.ts";
import { StateSpace } from "../market/state.ts";
import { Control } from "./control.ts";
import { createFeedCore, type FeedCore } from "./feed-core.ts";
import {
  type HeldNow,
  Note,
  type ReadNote,
  SnapshotStep,
  type Standing,
  textOf,
  wordAt,
} from "./note.ts";
import { planRun, type RunPlan } from "./plan.ts";
import type { RecordedStep } from "./recording-read.ts";
import { ReplayAnswers, type ReplayedAnswer, ReplayTable } from "./replay-table.ts";
import { createShared, openSignals } from "./shared.ts";

/** Of one instrument: it is evaluated once for a verdict on its channel, and once for its book. */
const signalsPerStep = 2;

export interface VirtualRunOptions {
  plan: RunPlan;
  /** `feed`: its index. */
  onSignal(signal: Signal, feed: number): void;
}

export class VirtualRun {
  core!: FeedCore;
  readonly space: StateSpace;
  nowNs = 0;
  /** Datagrams and notes that the recording says it does not have. */
  missing = 0;
  /** Whether it began with the run. */
  isWhole = false;
  /** The last answer to a question, undefined before the first. */
  answer: (ReplayedAnswer & { answeredNs: number }) | undefined;
  /** With what was changed on the way: the next life begins with it. */
  #plan: RunPlan;
  readonly #shared;
  readonly #control: Control;
  readonly #table: ReplayTable;
  #answers!: ReplayAnswers;
  readonly #signals;
  readonly #record = new Uint32Array(signalWords);
  readonly #onSignal: VirtualRunOptions["onSignal"];
  #isBegun = false;
  #hasStood = false;

  constructor({ plan, onSignal }: VirtualRunOptions) {
    this.#plan = unheard(plan);
    this.#shared = createShared(this.#plan);
    this.#control = new Control(this.#shared.control, plan.limits.heldSymbols);
    this.space = new StateSpace(plan.state);
    this.#table = new ReplayTable(plan.table);
    this.#signals = openSignals(this.#shared.signalsOps, this.#plan.limits);
    this.#onSignal = onSignal;
  }

  take({ head, details }: RecordedStep): void {
    const of = (kind: Note): ReadNote[] => details.filter((note) => note.kind === kind);
    for (const note of of(Note.version)) {
      this.#table.setVersion(wordAt(note, 0), wordAt(note, 1), wordAt(note, 2));
    }
    for (const note of of(Note.held)) this.#hold(JSON.parse(textOf(note)) as HeldNow);
    this.#table.beginStep(of(Note.word));
    if (head.kind === "note") {
      this.nowNs = head.note.timeNs;
      this.#note(head.note, of(Note.answer), of(Note.silence));
    } else {
      if (!this.#isBegun) this.#begin(head.receivedNs);
      const { feed, line, bytes, receivedNs } = head;
      // When a datagram was read does not matter unless that was too late.
      this.nowNs = of(Note.late)[0]?.timeNs ?? receivedNs;
      this.core.datagram(feed, line, bytes, bytes.length, receivedNs, this.nowNs);
    }
    const record = this.#record;
    while (this.#signals.shift(record, 0)) {
      this.#onSignal(readSignal(record), (record[Field.feedDecisionSource] as number) & 0xffff);
    }
  }

  #note(note: ReadNote, answers: readonly ReadNote[], silences: readonly ReadNote[]): void {
    const { timeNs } = note;
    switch (note.kind) {
      case Note.begin:
        this.isWhole ||= !this.#isBegun;
        return this.#begin(timeNs);
      case Note.lost:
        this.missing += wordAt(note, 0);
        return;
      case Note.standing:
        return this.#stand(JSON.parse(textOf(note)) as Standing, timeNs);
    }
    if (!this.#isBegun) this.#begin(timeNs);
    switch (note.kind) {
      case Note.turn:
        return this.#turn(note, answers, silences);
      case Note.change:
        return this.#change(JSON.parse(textOf(note)) as Config, timeNs);
      case Note.snapshot:
        return this.#snapshot(note);
      case Note.stop:
        return this.core.stop(timeNs);
    }
  }

  #begin(nowNs: number): void {
    this.nowNs = nowNs;
    this.#isBegun = true;
    this.core = createFeedCore(this.#plan, this.#shared, [], () => this.nowNs, {
      table: this.#table,
      answers: (pending: PendingTable) => {
        const taken = (answer: ReplayedAnswer): void => {
          this.answer = { ...answer, answeredNs: this.nowNs };
        };
        this.#answers = new ReplayAnswers(pending, taken);
        return this.#answers;
      },
    });
    for (const recovery of this.core.recoveries) recovery.send = () => true;
  }

  /** What held when a file began: of use only to who has nothing from before. */
  #stand({ config, held, version }: Standing, nowNs: number): void {
    if (this.isWhole || this.#hasStood) return;
    this.#hasStood = true;
    this.#hold(held);
    this.#table.setVersion(...version);
    if (!this.#isBegun) this.#begin(nowNs);
    this.#change(config as Config, nowNs);
    this.core.poll(nowNs);
  }

  #turn(note: ReadNote, answers: readonly ReadNote[], silences: readonly ReadNote[]): void {
    const { core } = this;
    const { health } = core.engine;
    // Silence counts from when a datagram was read, which is not recorded: that it was found is.
    health.channels.forEach((channels, feed) => {
      for (let channel = 0; channel < channels; channel++) {
        const seen = !Number.isNaN(health.lastSeenNs(feed, channel));
        if (seen) health.saw(feed, channel, note.timeNs);
      }
    });
    for (const silence of silences) {
      health.saw(wordAt(silence, 0), wordAt(silence, 1), Number.NEGATIVE_INFINITY);
    }
    core.pending.sweepAt = Math.min(wordAt(note, 1), core.pending.capacity - 1);
    this.#answers.beginStep(answers);
    core.poll(note.timeNs, wordAt(note, 0) === 1);
  }

  #change(config: Config, nowNs: number): void {
    const { dataDirectory, runId } = this.#plan;
    this.#plan = unheard(planRun(config, dataDirectory, runId));
    this.core.adopt(this.#plan, [], nowNs);
  }

  #snapshot(note: ReadNote): void {
    const { timeNs } = note;
    const recovery = this.core.recoveries[wordAt(note, 0)];
    const client = recovery?.glimpse;
    if (recovery === undefined || client === undefined) return;
    const bytes = note.bytes.subarray(12);
    switch (wordAt(note, 1)) {
      case SnapshotStep.open:
        recovery.distrust(timeNs);
        client.open(timeNs);
        break;
      case SnapshotStep.data:
        recovery.snapshot(client.receive(bytes, bytes.length, timeNs), timeNs);
        break;
      case SnapshotStep.turn:
        recovery.snapshot(client.poll(timeNs), timeNs);
        break;
      case SnapshotStep.closed:
        recovery.snapshot(client.closed(timeNs), timeNs);
        break;
      case SnapshotStep.refused:
        client.refused(timeNs);
        break;
    }
    client.takeOutput();
  }

  #hold({ all, symbols }: HeldNow): void {
    this.#control.writeHeld(all, symbols);
  }
}

/**
 * Nobody hears a replay, and nothing records it. Its signals are taken after each step only, so that
 * there must be room for those of all instruments at once.
 */
function unheard(plan: RunPlan): RunPlan {
  const { config, limits } = plan;
  const record = { ...config.record, enabled: false };
  const room = 2 ** Math.ceil(Math.log2(limits.instruments * signalsPerStep));
  const signalRing = Math.max(limits.signalRing, room);
  return {
    ...plan,
    targets: [],
    stdout: false,
    config: { ...config, record },
    limits: { ...limits, signalRing },
  };
}
