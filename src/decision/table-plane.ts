/**
 * The memory of the decision table: a header, two planes of answers, two planes of use counts, and
 * the switch between them.
 */
import { generationLimit, type Origin, packDecision } from "./answer-word.ts";
import type { Decision } from "./signal.ts";

/** Why a key is found: its memory, and what a thread must know to open it. Plain and transferable. */
export interface TableSpec {
  form: "dense" | "associative";
  /** Dense: the number of states. Associative: the number of entries, a multiple of 8, rounded up. */
  capacity: number;
  /** u32 words of a key, 1–8. */
  keyWords: number;
}

/** Entries of one set of the associative form. */
export const ways = 8;
/** Header words: [0] generation << 1 | active plane, [1] version low, [2] version high, [3..] counts. */
const headerWords = 16;
const activeAt = 0;
const versionAt = 2;
const promotedAt = 8;
const evictedAt = 9;

export function setCount(capacity: number): number {
  let sets = 1;
  while (sets * ways < capacity) sets *= 2;
  return sets;
}

function planeWords(spec: TableSpec): number {
  if (spec.form === "dense") return spec.capacity * 2;
  return setCount(spec.capacity) * ways * (4 + spec.keyWords);
}

function useWords(spec: TableSpec): number {
  return spec.form === "dense" ? spec.capacity : setCount(spec.capacity) * ways * 2;
}

export function tableBytes(spec: TableSpec): number {
  return (headerWords + 2 * (planeWords(spec) + useWords(spec))) * 4;
}

/** Mixes a key's words; the multipliers are odd constants with well-spread bits. */
export function hashKey(key: Uint32Array, keyWords: number): number {
  let hash = 0x9e3779b9;
  for (let word = 0; word < keyWords; word++) {
    hash = Math.imul(hash ^ (key[word] as number), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** What both forms share: the header, the planes' offsets and the switch between them. */
export abstract class PlaneTable {
  readonly spec: TableSpec;
  decidedAtS = 0;
  protected readonly words: Int32Array;
  protected readonly planeSize: number;
  protected readonly useSize: number;
  readonly #header: Int32Array;

  constructor(memory: SharedArrayBuffer, spec: TableSpec) {
    this.spec = spec;
    this.words = new Int32Array(memory);
    this.#header = new Int32Array(memory, 0, headerWords);
    this.planeSize = planeWords(spec);
    this.useSize = useWords(spec);
    // The first opener finds zeroes; generation 0 would make empty cells look like answers.
    Atomics.compareExchange(this.#header, activeAt, 0, 1 << 1);
  }

  protected active(): number {
    return Atomics.load(this.#header, activeAt);
  }

  protected planeAt(plane: number): number {
    return headerWords + plane * this.planeSize;
  }

  protected useAt(plane: number): number {
    return headerWords + 2 * this.planeSize + plane * this.useSize;
  }

  /** The generation that the idle plane will have when it takes over. */
  protected nextGeneration(active: number): number {
    const next = (active >>> 1) + 1;
    return next >= generationLimit ? 1 : next;
  }

  protected countPromotion(evicted: boolean): void {
    const header = this.#header;
    header[promotedAt] = (header[promotedAt] as number) + 1;
    if (evicted) header[evictedAt] = (header[evictedAt] as number) + 1;
  }

  write(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    const generation = active >>> 1;
    const packed = packDecision(generation, decision, confidence, origin);
    this.store(active & 1, key, index, packed, generation, decidedAtS);
  }

  writeShadow(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    const generation = this.nextGeneration(active);
    const packed = packDecision(generation, decision, confidence, origin);
    this.store((active & 1) ^ 1, key, index, packed, generation, decidedAtS);
  }

  /** Puts an answer into a plane: its time before its word. */
  protected abstract store(
    plane: number,
    key: Uint32Array,
    index: number,
    packed: number,
    generation: number,
    decidedAtS: number,
  ): void;

  generation(): number {
    return this.active() >>> 1;
  }

  versionLo(): number {
    return (this.#header[versionAt] as number) >>> 0;
  }

  versionHi(): number {
    return (this.#header[versionAt + 1] as number) >>> 0;
  }

  promotions(): number {
    return (this.#header[promotedAt] as number) >>> 0;
  }

  evictions(): number {
    return (this.#header[evictedAt] as number) >>> 0;
  }

  clearShadow(): void {
    const plane = (this.active() & 1) ^ 1;
    const at = this.planeAt(plane);
    this.words.fill(0, at, at + this.planeSize);
    const use = this.useAt(plane);
    this.words.fill(0, use, use + this.useSize);
  }

  activate(versionLo: number, versionHi: number): void {
    const active = this.active();
    this.#header[versionAt] = versionLo;
    this.#header[versionAt + 1] = versionHi;
    const plane = (active & 1) ^ 1;
    Atomics.store(this.#header, activeAt, (this.nextGeneration(active) << 1) | plane);
  }
}
