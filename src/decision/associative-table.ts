import { wordGeneration } from "./answer-word.ts";
import { hashKey, PlaneTable, setCount, type TableSpec, ways } from "./table-plane.ts";

/**
 * 8-way sets. Each entry has a sequence word, odd while the writer is in it: a reader that sees it
 * odd or changed takes the look-up for a miss, so half an entry is never believed.
 *
 * A plane is all tags first, eight to half a cache line, so that a set is searched in one line; then
 * the entries [sequence, word, decidedAt, key…]. Use cells: [count, last used (s)].
 */
export class AssociativeTable extends PlaneTable {
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
      const decidedAtS = (words[at + 2] as number) >>> 0;
      // The writer was in the entry, or has given it to another key meanwhile: nothing is believed.
      if ((sequence & 1) !== 0 || Atomics.load(words, at) !== sequence) return 0;
      if (wordGeneration(packed) !== active >>> 1) return 0;
      this.decidedAtS = decidedAtS;
      const use = this.useAt(plane) + (first + way) * 2;
      words[use] = (words[use] as number) + 1;
      words[use + 1] = nowS;
      return packed;
    }
    return 0;
  }

  protected store(
    plane: number,
    key: Uint32Array,
    _index: number,
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
    const at = this.#entryAt(plane, entry);
    const word = (this.words[at + 1] as number) >>> 0;
    this.decidedAtS = (this.words[at + 2] as number) >>> 0;
    return wordGeneration(word) === active >>> 1 ? word : 0;
  }

  uses(key: Uint32Array, _index: number): number {
    const plane = this.active() & 1;
    const entry = this.#find(plane, key, hashKey(key, this.#keyWords));
    return entry < 0 ? 0 : (this.words[this.useAt(plane) + entry * 2] as number) >>> 0;
  }
}
