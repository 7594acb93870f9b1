/**
 * The feed thread's notes, on their way into the recording with its datagrams. Only what differs is
 * noted, so that a quiet turn and a known state cost nothing but a comparison.
 */
import { noteSource, type RecordRing } from "../feed/record-ring.ts";
import { type HeldNow, Note, type SnapshotStep } from "./note.ts";

/** Kind, three words and a key of at most eight. */
const wordsMax = 12;
/** Longer texts are not noted, and the recording says that something is missing. */
const textBytesMax = 524_288;

export class NoteWriter {
  readonly #ring: RecordRing;
  readonly #bytes = Buffer.alloc(wordsMax * 4);
  readonly #turn = Buffer.alloc(12);
  readonly #lost = Buffer.alloc(8);
  #stepNs = 0;
  #isTurnOpen = false;
  #missing = 0;
  #files: number;
  #config: string;
  #held: HeldNow = { all: false, symbols: [] };
  #generation = -1;
  #versionLo = 0;
  #versionHi = 0;
  /** Changes with every file: what was noted before is not in it. */
  epoch = 0;
  /** Look-ups in the decision table since the step began. */
  lookups = 0;

  constructor(ring: RecordRing, config: string) {
    this.#ring = ring;
    this.#files = ring.files;
    this.#config = config;
    this.#turn.writeUInt32LE(Note.turn, 0);
    this.#lost.writeUInt32LE(Note.lost, 0);
  }

  /** A step: what is noted from now on belongs to it. */
  datagram(source: number, bytes: Buffer, length: number, receivedNs: number): void {
    this.#step(receivedNs);
    this.#put(source, bytes, length, receivedNs);
  }

  begin(nowNs: number): void {
    this.#step(nowNs);
    this.#words(Note.begin, 1);
  }

  /** A turn, of which nothing is written until something is noted in it. */
  turn(nowNs: number, idle: boolean, sweepAt: number): void {
    if (this.#ring.files !== this.#files) this.#stand(nowNs);
    this.#step(nowNs);
    this.#isTurnOpen = true;
    this.#turn.writeUInt32LE(idle ? 1 : 0, 4);
    this.#turn.writeUInt32LE(sweepAt, 8);
  }

  /** The turn did something, whatever is or is not noted beside. */
  happened(): void {
    if (!this.#isTurnOpen) return;
    this.#isTurnOpen = false;
    this.#put(noteSource, this.#turn, this.#turn.length, this.#stepNs);
  }

  /** Turns that did nothing leave no trace. */
  endTurn(): void {
    this.#isTurnOpen = false;
  }

  change(nowNs: number, config: string): void {
    this.#config = config;
    this.#step(nowNs);
    this.#text(Note.change, config);
  }

  stop(nowNs: number): void {
    this.#step(nowNs);
    this.#words(Note.stop, 1);
  }

  snapshot(nowNs: number, feed: number, step: SnapshotStep, bytes?: Uint8Array): void {
    this.#step(nowNs);
    const note = Buffer.alloc(12 + (bytes?.length ?? 0));
    note.writeUInt32LE(Note.snapshot, 0);
    note.writeUInt32LE(feed, 4);
    note.writeUInt32LE(step, 8);
    if (bytes !== undefined) note.set(bytes, 12);
    this.#put(noteSource, note, note.length, nowNs);
  }

  /** Decided at `nowNs`, too late. */
  late(nowNs: number): void {
    this.#stepNs = nowNs;
    this.#words(Note.late, 1);
  }

  held(held: HeldNow): void {
    this.#held = held;
    this.happened();
    this.#text(Note.held, JSON.stringify(held));
  }

  version(generation: number, low: number, high: number): void {
    this.happened();
    this.#generation = generation;
    this.#versionLo = low;
    this.#versionHi = high;
    this.#bytes.writeUInt32LE(generation >>> 0, 4);
    this.#bytes.writeUInt32LE(low, 8);
    this.#bytes.writeUInt32LE(high, 12);
    this.#words(Note.version, 4);
  }

  /** The look-up that comes to its end has found `word`. */
  word(word: number, decidedAtS: number, key: Uint32Array): void {
    this.happened();
    this.#bytes.writeUInt32LE(this.lookups, 4);
    this.#bytes.writeUInt32LE(word, 8);
    this.#bytes.writeUInt32LE(decidedAtS, 12);
    this.#keyed(Note.word, 4, key);
  }

  answer(outcome: number, reason: number, key: Uint32Array): void {
    this.happened();
    this.#bytes.writeUInt32LE(outcome, 4);
    this.#bytes.writeUInt32LE(reason, 8);
    this.#keyed(Note.answer, 3, key);
  }

  silence(feed: number, channel: number): void {
    this.happened();
    this.#bytes.writeUInt32LE(feed, 4);
    this.#bytes.writeUInt32LE(channel, 8);
    this.#words(Note.silence, 3);
  }

  #step(nowNs: number): void {
    this.#isTurnOpen = false;
    this.#stepNs = nowNs;
    this.lookups = 0;
  }

  /** Another file has begun: says what holds, for a time when the ones before are gone. */
  #stand(nowNs: number): void {
    this.#files = this.#ring.files;
    this.epoch++;
    const version = [Math.max(0, this.#generation), this.#versionLo, this.#versionHi];
    this.#step(nowNs);
    const rest = JSON.stringify({ held: this.#held, version }).slice(1);
    this.#text(Note.standing, `{"config":${this.#config},${rest}`);
  }

  #words(kind: number, count: number): void {
    this.#bytes.writeUInt32LE(kind, 0);
    this.#put(noteSource, this.#bytes, count * 4, this.#stepNs);
  }

  /** The same, with a key behind the `count` words. */
  #keyed(kind: number, count: number, key: Uint32Array): void {
    for (let i = 0; i < key.length; i++) {
      this.#bytes.writeUInt32LE(key[i] as number, (count + i) * 4);
    }
    this.#words(kind, count + key.length);
  }

  #text(kind: number, text: string): void {
    const note = Buffer.alloc(4 + Buffer.byteLength(text));
    if (note.length > textBytesMax) {
      this.#missing++;
      return;
    }
    note.writeUInt32LE(kind, 0);
    note.write(text, 4);
    this.#put(noteSource, note, note.length, this.#stepNs);
  }

  /** What finds no room is counted, and the recording says so where it goes on. */
  #put(source: number, bytes: Buffer, length: number, timeNs: number): void {
    if (this.#missing > 0) {
      this.#lost.writeUInt32LE(Math.min(this.#missing, 0xffff_ffff), 4);
      if (this.#ring.put(noteSource, this.#lost, 8, timeNs)) this.#missing = 0;
    }
    if (this.#missing > 0 || !this.#ring.put(source, bytes, length, timeNs)) this.#missing++;
  }
}
