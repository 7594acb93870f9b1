import { wordGeneration } from "./answer-word.ts";
import { PlaneTable } from "./table-plane.ts";

/** One word and one time for each state. Use counts are cells that only the reader writes. */
export class DenseTable extends PlaneTable {
  lookup(_key: Uint32Array, index: number, _nowS: number): number {
    const active = this.active();
    const plane = active & 1;
    const at = this.planeAt(plane) + index * 2;
    const word = Atomics.load(this.words, at) >>> 0;
    if (wordGeneration(word) !== active >>> 1) return 0;
    this.decidedAtS = (this.words[at + 1] as number) >>> 0;
    const use = this.useAt(plane) + index;
    this.words[use] = (this.words[use] as number) + 1;
    return word;
  }

  hasShadowRoom(_key: Uint32Array, _index: number): boolean {
    return true;
  }

  protected store(
    plane: number,
    _key: Uint32Array,
    index: number,
    packed: number,
    _generation: number,
    decidedAtS: number,
  ): void {
    const at = this.planeAt(plane) + index * 2;
    this.words[at + 1] = decidedAtS;
    Atomics.store(this.words, at, packed | 0);
    this.countPromotion(false);
  }

  remove(_key: Uint32Array, index: number): void {
    Atomics.store(this.words, this.planeAt(this.active() & 1) + index * 2, 0);
  }

  peek(_key: Uint32Array, index: number): number {
    const active = this.active();
    const at = this.planeAt(active & 1) + index * 2;
    const word = Atomics.load(this.words, at) >>> 0;
    this.decidedAtS = (this.words[at + 1] as number) >>> 0;
    return wordGeneration(word) === active >>> 1 ? word : 0;
  }

  uses(_key: Uint32Array, index: number): number {
    return (this.words[this.useAt(this.active() & 1) + index] as number) >>> 0;
  }
}
