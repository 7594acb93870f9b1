/** A rig that is recorded, and its recording replayed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signal } from "../../src/decision/signal.ts";
import { Recording } from "../../src/thread/ops-record.ts";
import type { RunPlan } from "../../src/thread/plan.ts";
import { recordingFiles } from "../../src/thread/record-file.ts";
import { readRecording } from "../../src/thread/recording-read.ts";
import { VirtualRun } from "../../src/thread/virtual-run.ts";
import { EngineRig, type RigOptions } from "./engine-rig.ts";

const run = "0000018f00000000";

export class RecordedRig implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "hftedge-rig-"));
  readonly rig: EngineRig;
  recording: Recording;
  /** As the run began; the rig's changes with what it takes over. */
  readonly #plan: RunPlan;

  constructor({ flags = {}, ...options }: RigOptions = {}) {
    const record = { "record.enabled": "true", "record.directory": this.directory };
    this.rig = new EngineRig({ ...options, flags: { ...record, ...flags } });
    this.#plan = this.rig.plan;
    this.recording = new Recording(this.rig.plan, run, this.rig.shared.record, () => {});
  }

  /** Another file begins; those before it are gone. */
  forget(): void {
    this.recording.close(0);
    for (const { path } of recordingFiles(this.directory)) rmSync(path);
    this.recording = new Recording(this.rig.plan, run, this.rig.shared.record, () => {});
    // The index tells that files are missing; the file itself is begun by what is written next.
    this.rig.raw(Buffer.from("?"));
    this.recording.drain(0);
  }

  /** Every signal of a replay of all that is recorded, and the run at its end. */
  async replay(): Promise<{ signals: Signal[]; run: VirtualRun }> {
    this.recording.close(0);
    return await replayOf(this.#plan, this.directory);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Every signal of a replay of what the directory has, and the run at its end. */
export async function replayOf(
  plan: RunPlan,
  directory: string,
): Promise<{ signals: Signal[]; run: VirtualRun }> {
  const signals: Signal[] = [];
  const virtual = new VirtualRun({ plan, onSignal: (signal) => signals.push(signal) });
  const files = recordingFiles(directory);
  for await (const step of readRecording(files, plan.baseSeconds)) virtual.take(step);
  return { signals, run: virtual };
}

/** What a signal says; when it was read and said is the clock's matter. */
export function saying(signal: Signal): Partial<Signal> {
  const { receiveTime: _receive, emitTime: _emit, latencyNs: _latency, ...rest } = signal;
  return rest;
}
