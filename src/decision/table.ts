/**
 * L1, the decision table in shared memory: state → decision, in one look-up and without a lock.
 *
 * The inference thread is its only writer, the feed thread its reader. Two forms stand behind the
 * same calls: `dense` (one word for each state of a finite space) and `associative` (a fixed number
 * of 8-way sets over the key's words, for a space that is not finite).
 *
 * A decision is one 32-bit word, so that it is read whole:
 *
 * ```
 *  31            19 18           5 4      2 1      0
 * +----------------+--------------+--------+--------+
 * |  generation    |  confidence  | origin | decision|   confidence in 1/10,000
 * +----------------+--------------+--------+--------+   origin: 1 l2, 2 model, 3 rules
 * ```
 *
 * A word whose generation is not the table's is a miss: a new model, prompt or context makes every
 * old answer vanish at once. There are two planes; a new version is filled into the idle plane while
 * the other still decides, and `activate` switches with one store.
 *
 * decidedAt (epoch s) is written before the word that it belongs to. Use counts are the reader's.
 */
import { Decision } from "./signal.ts";

export const Origin = { l2: 1, model: 2, rules: 3 } as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

const generationLimit = 1 << 13;
const generationShift = 19;

export function packDecision(
  generation: number,
  decision: Decision,
  confidence: number,
  origin: Origin,
): number {
  return ((generation << generationShift) | (confidence << 5) | (origin << 2) | decision) >>> 0;
}
export const wordDecision = (word: number): Decision => (word & 3) as Decision;
export const wordOrigin = (word: number): Origin => ((word >>> 2) & 7) as Origin;
/** 0–10,000. */
export const wordConfidence = (word: number): number => (word >>> 5) & 0x3fff;
export const wordGeneration = (word: number): number => word >>> generationShift;

/** Why a key is found: its memory, and what a thread must know to open it. Plain and transferable. */
export interface TableSpec {
  form: "dense" | "associative";
  /** Dense: the number of states. Associative: the number of entries, a multiple of 8, rounded up. */
  capacity: number;
  /** u32 words of a key, 1–8. */
  keyWords: number;
}

const ways = 8;
/** Header words: [0] generation << 1 | active plane, [1] version low, [2] version high, [3..] counts. */
const headerWords = 16;
const activeAt = 0;
const versionAt = 2;
const promotedAt = 8;
const evictedAt = 9;

function setCount(capacity: number): number {
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

/** What a table of either form can do. */
export interface DecisionTable {
  readonly spec: TableSpec;
  /**
   * Reader. The packed word of the state, or 0 on a miss; `index` is the state's index in a finite
   * space and unused otherwise. On a hit `slot` says where, for `decidedAtS`, and the use is counted.
   */
  lookup(key: Uint32Array, index: number, nowS: number): number;
  /** Where the last hit was found. */
  readonly slot: number;
  /** Epoch seconds at which the answer in `slot` was given. */
  decidedAtS(slot: number): number;
  /** Generation that answers now; it changes when another version takes over. */
  generation(): number;
  /** Version (low, high halves) whose answers the active plane holds. */
  versionLo(): number;
  versionHi(): number;

  /** Writer. Stores an answer of the active version; evicts the least recently used way when full. */
  write(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void;
  /** Writer. The same, into the idle plane. */
  writeShadow(
    key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void;
  /** Writer. Whether the idle plane can take the state without evicting another. */
  hasShadowRoom(key: Uint32Array, index: number): boolean;
  /** Writer. Empties the idle plane for another version. */
  clearShadow(): void;
  /** Writer. The idle plane takes over under a new generation; the old plane's answers are gone. */
  activate(versionLo: number, versionHi: number): void;
  /** Writer. The answer stands no longer (withdrawn, too old). */
  remove(key: Uint32Array, index: number): void;
  /** Writer's view of an answer without counting a use; 0 when there is none, else sets `slot`. */
  peek(key: Uint32Array, index: number): number;
  /** Uses of the state in the active plane since it was filled, for L2's order (mod 2^32). */
  uses(key: Uint32Array, index: number): number;
  /** Answers written, and answers that made room for them (mod 2^32). */
  promotions(): number;
  evictions(): number;
}

export function openTable(memory: SharedArrayBuffer, spec: TableSpec): DecisionTable {
  return spec.form === "dense" ? new DenseTable(memory, spec) : new AssociativeTable(memory, spec);
}

/** What both forms share: the header, the planes' offsets and the switch between them. */
abstract class PlaneTable {
  readonly spec: TableSpec;
  slot = 0;
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

/** One word and one time for each state. Use counts are cells that only the reader writes. */
class DenseTable extends PlaneTable implements DecisionTable {
  lookup(_key: Uint32Array, index: number, _nowS: number): number {
    const active = this.active();
    const plane = active & 1;
    const at = this.planeAt(plane) + index * 2;
    const word = Atomics.load(this.words, at) >>> 0;
    if (wordGeneration(word) !== active >>> 1) return 0;
    this.slot = at;
    const use = this.useAt(plane) + index;
    this.words[use] = (this.words[use] as number) + 1;
    return word;
  }

  decidedAtS(slot: number): number {
    return (this.words[slot + 1] as number) >>> 0;
  }

  write(
    _key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    this.#store(active & 1, active >>> 1, index, decision, confidence, origin, decidedAtS);
  }

  writeShadow(
    _key: Uint32Array,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    this.#store(
      (active & 1) ^ 1,
      this.nextGeneration(active),
      index,
      decision,
      confidence,
      origin,
      decidedAtS,
    );
  }

  hasShadowRoom(_key: Uint32Array, _index: number): boolean {
    return true;
  }

  #store(
    plane: number,
    generation: number,
    index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const at = this.planeAt(plane) + index * 2;
    this.words[at + 1] = decidedAtS;
    Atomics.store(this.words, at, packDecision(generation, decision, confidence, origin) | 0);
    this.countPromotion(false);
  }

  remove(_key: Uint32Array, index: number): void {
    Atomics.store(this.words, this.planeAt(this.active() & 1) + index * 2, 0);
  }

  peek(_key: Uint32Array, index: number): number {
    const active = this.active();
    this.slot = this.planeAt(active & 1) + index * 2;
    const word = Atomics.load(this.words, this.slot) >>> 0;
    return wordGeneration(word) === active >>> 1 ? word : 0;
  }

  uses(_key: Uint32Array, index: number): number {
    return (this.words[this.useAt(this.active() & 1) + index] as number) >>> 0;
  }
}

/**
 * 8-way sets. Each entry has a sequence word, odd while the writer is in it: a reader that sees it
 * odd or changed takes the look-up for a miss, so half an entry is never believed.
 *
 * A plane is all tags first, eight to half a cache line, so that a set is searched in one line; then
 * the entries [sequence, word, decidedAt, key…]. Use cells: [count, last used (s)].
 */
class AssociativeTable extends PlaneTable implements DecisionTable {
  readonly #sets: number;
  readonly #keyWords: number;
  readonly #stride: number;

  constructor(memory: SharedArrayBuffer, spec: TableSpec) {
    super(memory, spec);
    this.#sets = setCount(spec.capacity);
    this.#keyWords = spec.keyWords;
    this.#stride = 3 + spec.keyWords;
  }

  /** Where an entry's words begin. */
  #entryAt(plane: number, entry: number): number {
    return this.planeAt(plane) + this.#sets * ways + entry * this.#stride;
  }

  #firstOf(hash: number): number {
    return ((hash >>> 1) & (this.#sets - 1)) * ways;
  }

  /** The entry that holds the key in the plane, or -1. */
  #find(plane: number, key: Uint32Array, hash: number): number {
    const words = this.words;
    const keyWords = this.#keyWords;
    const tag = hash | 1;
    const first = this.#firstOf(hash);
    const tags = this.planeAt(plane) + first;
    for (let way = 0; way < ways; way++) {
      if (words[tags + way] !== tag) continue;
      const at = this.#entryAt(plane, first + way) + 3;
      let word = 0;
      while (word < keyWords && words[at + word] === ((key[word] as number) | 0)) word++;
      if (word === keyWords) return first + way;
    }
    return -1;
  }

  lookup(key: Uint32Array, _index: number, nowS: number): number {
    const active = this.active();
    const plane = active & 1;
    const words = this.words;
    const keyWords = this.#keyWords;
    const hash = hashKey(key, keyWords);
    const tag = hash | 1;
    const first = this.#firstOf(hash);
    const tags = this.planeAt(plane) + first;
    for (let way = 0; way < ways; way++) {
      if (words[tags + way] !== tag) continue;
      const at = this.#entryAt(plane, first + way);
      const sequence = Atomics.load(words, at);
      let word = 0;
      while (word < keyWords && words[at + 3 + word] === ((key[word] as number) | 0)) word++;
      if (word !== keyWords) continue;
      const packed = Atomics.load(words, at + 1) >>> 0;
      // The writer was in the entry, or has given it to another key meanwhile: nothing is believed.
      if ((sequence & 1) !== 0 || Atomics.load(words, at) !== sequence) return 0;
      if (packed >>> generationShift !== active >>> 1) return 0;
      this.slot = at;
      const use = this.useAt(plane) + (first + way) * 2;
      words[use] = (words[use] as number) + 1;
      words[use + 1] = nowS;
      return packed;
    }
    return 0;
  }

  decidedAtS(slot: number): number {
    return (this.words[slot + 2] as number) >>> 0;
  }

  write(
    key: Uint32Array,
    _index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    const generation = active >>> 1;
    const packed = packDecision(generation, decision, confidence, origin);
    this.#store(active & 1, key, packed, generation, decidedAtS);
  }

  writeShadow(
    key: Uint32Array,
    _index: number,
    decision: Decision,
    confidence: number,
    origin: Origin,
    decidedAtS: number,
  ): void {
    const active = this.active();
    const next = this.nextGeneration(active);
    const packed = packDecision(next, decision, confidence, origin);
    this.#store((active & 1) ^ 1, key, packed, next, decidedAtS);
  }

  #store(
    plane: number,
    key: Uint32Array,
    packed: number,
    generation: number,
    decidedAtS: number,
  ): void {
    const hash = hashKey(key, this.#keyWords);
    const words = this.words;
    let entry = this.#find(plane, key, hash);
    let evicted = false;
    if (entry < 0) {
      entry = this.#victim(plane, hash, generation);
      evicted = this.#generationOf(plane, entry) === generation;
    }
    const at = this.#entryAt(plane, entry);
    const sequence = words[at] as number;
    Atomics.store(words, at, sequence | 1);
    for (let word = 0; word < this.#keyWords; word++) words[at + 3 + word] = key[word] as number;
    words[this.planeAt(plane) + entry] = hash | 1;
    words[at + 2] = decidedAtS;
    Atomics.store(words, at + 1, packed | 0);
    Atomics.store(words, at, ((sequence | 1) + 1) | 0);
    // A new answer counts as used now, or it would be the next to go before it was ever looked up.
    const use = this.useAt(plane) + entry * 2;
    if (evicted || (words[use + 1] as number) >>> 0 < decidedAtS) words[use + 1] = decidedAtS;
    if (evicted) words[use] = 0;
    this.countPromotion(evicted);
  }

  hasShadowRoom(key: Uint32Array, _index: number): boolean {
    const active = this.active();
    const plane = (active & 1) ^ 1;
    const hash = hashKey(key, this.#keyWords);
    if (this.#find(plane, key, hash) >= 0) return true;
    const next = this.nextGeneration(active);
    return this.#generationOf(plane, this.#victim(plane, hash, next)) !== next;
  }

  #generationOf(plane: number, entry: number): number {
    return wordGeneration((this.words[this.#entryAt(plane, entry) + 1] as number) >>> 0);
  }

  /** An entry of another generation if there is one, else the least recently used of the set. */
  #victim(plane: number, hash: number, generation: number): number {
    const first = this.#firstOf(hash);
    let victim = first;
    let oldest = Infinity;
    for (let entry = first; entry < first + ways; entry++) {
      if (this.#generationOf(plane, entry) !== generation) return entry;
      const used = (this.words[this.useAt(plane) + entry * 2 + 1] as number) >>> 0;
      if (used < oldest) {
        oldest = used;
        victim = entry;
      }
    }
    return victim;
  }

  remove(key: Uint32Array, _index: number): void {
    const plane = this.active() & 1;
    const entry = this.#find(plane, key, hashKey(key, this.#keyWords));
    if (entry >= 0) Atomics.store(this.words, this.#entryAt(plane, entry) + 1, 0);
  }

  peek(key: Uint32Array, _index: number): number {
    const active = this.active();
    const plane = active & 1;
    const entry = this.#find(plane, key, hashKey(key, this.#keyWords));
    if (entry < 0) return 0;
    this.slot = this.#entryAt(plane, entry);
    const word = (this.words[this.slot + 1] as number) >>> 0;
    return wordGeneration(word) === active >>> 1 ? word : 0;
  }

  uses(key: Uint32Array, _index: number): number {
    const plane = this.active() & 1;
    const entry = this.#find(plane, key, hashKey(key, this.#keyWords));
    return entry < 0 ? 0 : (this.words[this.useAt(plane) + entry * 2] as number) >>> 0;
  }
}
