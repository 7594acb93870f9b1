/** Channels that have lost messages for good, and that no snapshot has healed yet. */
export class BrokenChannels {
  count = 0;
  /** The first message that is lost, and when that was known. */
  readonly from: Float64Array;
  readonly seenNs: Float64Array;
  readonly #broken: Uint8Array;

  constructor(channels: number) {
    this.from = new Float64Array(channels);
    this.seenNs = new Float64Array(channels);
    this.#broken = new Uint8Array(channels);
  }

  has(channel: number): boolean {
    return this.#broken[channel] === 1;
  }

  /** What is lost after that changes nothing: the books are wrong from the first one on. */
  begin(channel: number, from: number, nowNs: number): void {
    if (this.#broken[channel] === 1) return;
    this.#broken[channel] = 1;
    this.count++;
    this.from[channel] = from;
    this.seenNs[channel] = nowNs;
  }

  end(channel: number): void {
    if (this.#broken[channel] === 0) return;
    this.#broken[channel] = 0;
    this.count--;
  }
}
