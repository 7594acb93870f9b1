/**
 * The states that wait for an answer, and which instruments wait for each.
 *
 * The feed thread is the only writer of the shared part. However many instruments enter an unknown
 * state, it takes one slot; inference reads the slots, chooses by how many wait and how recently,
 * and answers through a ring of {slot, version, outcome, reason}. Its version tells a reused slot
 * from the one that was asked about; a late answer still fills the table, which goes by the key.
 *
 * Beside the shared slots (pending-slot.ts) the feed has for each a doubly linked list of waiting
 * instruments and a place in a hash of keys; each instrument waits in at most one slot.
 */
import { Cell, type Outcome, PendingKind, slotHeaderWords, slotWords } from "./pending-slot.ts";
import { SlotIndex } from "./slot-index.ts";
import { hashKey } from "./table-plane.ts";

/** Versions begin again at 1 after 2^32: 0 is no version. */
const followingVersion = (version: number): number => (version % 0xffffffff) + 1;

/** What `PendingTable.miss` says besides a slot. */
export const pendingFull = -1;

/** The feed's side. */
export class PendingTable {
  readonly capacity: number;
  readonly #cells: Int32Array;
  readonly #keyWords: number;
  readonly #retryMs: number;

  readonly #index: SlotIndex;

  readonly #head: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Slot in which an instrument waits, -1 for none. */
  readonly #slotOf: Int32Array;
  /** Slots in which anybody waits. */
  #waitedCount = 0;

  readonly #free: Int32Array;
  #freeCount: number;
  #nextVersion = 1;
  /** Failure of a slot: its outcome (0 = none), its reason, and when it may be asked again. */
  readonly #failed: Uint8Array;
  readonly #failReason: Uint8Array;
  readonly #retryAt: Float64Array;
  /** The slot that `sweepOne` looks at next. */
  sweepAt = 0;
  /** Questions opened, closed, failed and asked again (mod 2^32). */
  changes = 0;
  #evictions = 0;

  constructor(
    memory: SharedArrayBuffer,
    capacity: number,
    instruments: number,
    keyWords: number,
    retryMs: number,
  ) {
    this.capacity = capacity;
    this.#keyWords = keyWords;
    this.#retryMs = retryMs;
    this.#cells = new Int32Array(memory, 0, capacity * slotWords);
    this.#index = new SlotIndex(capacity);
    this.#head = new Int32Array(capacity).fill(-1);
    this.#next = new Int32Array(instruments).fill(-1);
    this.#previous = new Int32Array(instruments).fill(-1);
    this.#slotOf = new Int32Array(instruments).fill(-1);
    this.#free = new Int32Array(capacity);
    this.#freeCount = capacity;
    for (let slot = 0; slot < capacity; slot++) this.#free[slot] = capacity - 1 - slot;
    this.#failed = new Uint8Array(capacity);
    this.#failReason = new Uint8Array(capacity);
    this.#retryAt = new Float64Array(capacity);
    // A restarted feed thread finds the slots of the one before it: nobody waits in them any more,
    // and versions go on from there, so that an answer to an old question is not taken for a new one.
    for (let slot = 0; slot < capacity; slot++) {
      const old = (this.#cells[slot * slotWords + Cell.lastVersion] as number) >>> 0;
      if (old >= this.#nextVersion) this.#nextVersion = followingVersion(old);
      Atomics.store(this.#cells, slot * slotWords + Cell.version, 0);
    }
  }

  /** Occupied slots. */
  get size(): number {
    return this.capacity - this.#freeCount;
  }

  /** Questions nobody waited for any more, dropped to make room for newer ones. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * The instrument is in a state without an answer. Returns its slot, or `pendingFull`. A state
   * that failed lately keeps its failure until its retry time; `failure(slot)` tells.
   */
  miss(instrument: number, key: Uint32Array, index: number, nowMs: number): number {
    const hash = hashKey(key, this.#keyWords);
    let slot = this.#lookup(key, hash);
    if (slot < 0) {
      // It has left the state that it waited in, whose slot may be the one that makes room.
      this.leave(instrument);
      slot = this.#open(key, hash, index, PendingKind.miss, nowMs);
      if (slot < 0) return pendingFull;
    }
    const cells = this.#cells;
    const at = slot * slotWords;
    cells[at + Cell.lastSeen] = nowMs;
    cells[at + Cell.kind] = PendingKind.miss;
    if (this.#slotOf[instrument] !== slot) {
      this.leave(instrument);
      this.#join(instrument, slot);
    }
    if (this.#failed[slot] !== 0 && nowMs >= (this.#retryAt[slot] as number)) this.askAgain(slot);
    return slot;
  }

  /** An answer stands but should be renewed; nobody waits. False when it is asked for already or full. */
  refresh(key: Uint32Array, index: number, nowMs: number): boolean {
    const hash = hashKey(key, this.#keyWords);
    if (this.#lookup(key, hash) >= 0) return false;
    return this.#open(key, hash, index, PendingKind.refresh, nowMs) >= 0;
  }

  /** The instrument waits no longer: its state changed or was answered. */
  leave(instrument: number): void {
    const slot = this.#slotOf[instrument] as number;
    if (slot < 0) return;
    const next = this.#next[instrument] as number;
    const previous = this.#previous[instrument] as number;
    if (previous >= 0) this.#next[previous] = next;
    else {
      this.#head[slot] = next;
      if (next < 0) this.#waitedCount--;
    }
    if (next >= 0) this.#previous[next] = previous;
    this.#slotOf[instrument] = -1;
    const at = slot * slotWords + Cell.waiting;
    this.#cells[at] = (this.#cells[at] as number) - 1;
  }

  #join(instrument: number, slot: number): void {
    const head = this.#head[slot] as number;
    this.#next[instrument] = head;
    this.#previous[instrument] = -1;
    if (head >= 0) this.#previous[head] = instrument;
    else this.#waitedCount++;
    this.#head[slot] = instrument;
    this.#slotOf[instrument] = slot;
    const at = slot * slotWords + Cell.waiting;
    this.#cells[at] = (this.#cells[at] as number) + 1;
  }

  /** Outcome of the slot's last failure while it holds, 0 otherwise; `failureReason` beside it. */
  failure(slot: number): number {
    return this.#failed[slot] as number;
  }

  failureReason(slot: number): number {
    return this.#failReason[slot] as number;
  }

  /** First instrument that waits in the slot, -1 for none; `following` walks on. */
  first(slot: number): number {
    return this.#head[slot] as number;
  }

  following(instrument: number): number {
    return this.#next[instrument] as number;
  }

  /** The slot of a state that waits, -1 when it does not. */
  find(key: Uint32Array): number {
    return this.#lookup(key, hashKey(key, this.#keyWords));
  }

  /** What `isCurrent` takes for the slot's question; 0 when it is free or taken back. */
  version(slot: number): number {
    return (this.#cells[slot * slotWords + Cell.version] as number) >>> 0;
  }

  /** ms since the run's base at which the state was first missed. */
  firstSeenMs(slot: number): number {
    return (this.#cells[slot * slotWords + Cell.firstSeen] as number) >>> 0;
  }

  /** An answer stands, and nobody waits for the new one. */
  isRenewal(slot: number): boolean {
    return this.#cells[slot * slotWords + Cell.kind] === PendingKind.refresh;
  }

  /** The question behind {slot, version} is still the one that was asked. */
  isCurrent(slot: number, version: number): boolean {
    return slot < this.capacity && this.version(slot) === version;
  }

  /**
   * The table has the slot's answer: gives the slot back. The caller has taken its instruments off
   * (by evaluating them) before; those that remain are let go.
   */
  settle(slot: number): void {
    for (let waiting = this.first(slot); waiting >= 0; waiting = this.first(slot))
      this.leave(waiting);
    this.#close(slot);
  }

  /** There is no answer. The slot keeps its instruments and is asked again after the retry time. */
  fail(slot: number, outcome: Outcome, reason: number, nowMs: number): void {
    if (this.isRenewal(slot)) {
      this.#close(slot);
      return;
    }
    this.changes = (this.changes + 1) | 0;
    this.#failed[slot] = outcome;
    this.#failReason[slot] = reason;
    this.#retryAt[slot] = nowMs + this.#retryMs;
    // Version 0 takes the question back until the retry.
    Atomics.store(this.#cells, slot * slotWords + Cell.version, 0);
  }

  /**
   * Looks at one slot after another, one a call: asks a failed one again when its time has come and
   * somebody still waits, and forgets it when nobody does. Returns the slot it looked at.
   */
  sweepOne(nowMs: number): number {
    const slot = this.sweepAt;
    this.sweepAt = slot + 1 === this.capacity ? 0 : slot + 1;
    if (this.#failed[slot] === 0) return slot;
    const waitMs = (this.#retryAt[slot] as number) - nowMs;
    // More than the whole wait is left only when the clock was set back.
    if (waitMs > 0 && waitMs <= this.#retryMs) return slot;
    if (this.first(slot) >= 0) this.askAgain(slot);
    else this.#close(slot);
    return slot;
  }

  /** Words of the slot's key, for a look at the table without an instrument. */
  readKey(slot: number, out: Uint32Array): void {
    const at = slot * slotWords + slotHeaderWords;
    for (let word = 0; word < this.#keyWords; word++) out[word] = this.#cells[at + word] as number;
  }

  index(slot: number): number {
    return this.#cells[slot * slotWords + Cell.index] as number;
  }

  isOpen(slot: number): boolean {
    return this.#index.isUsed(slot);
  }

  /** The slot's question is asked anew, for those who wait in it. */
  askAgain(slot: number): void {
    this.changes = (this.changes + 1) | 0;
    this.#failed[slot] = 0;
    this.#showVersion(slot);
  }

  #showVersion(slot: number): void {
    const version = this.#nextVersion;
    this.#nextVersion = followingVersion(version);
    const at = slot * slotWords;
    this.#cells[at + Cell.lastVersion] = version;
    Atomics.store(this.#cells, at + Cell.version, version | 0);
  }

  #open(key: Uint32Array, hash: number, index: number, kind: PendingKind, nowMs: number): number {
    if (this.#freeCount === 0 && !this.#evictUnwaited()) return -1;
    this.changes = (this.changes + 1) | 0;
    const slot = this.#free[--this.#freeCount] as number;
    const cells = this.#cells;
    const at = slot * slotWords;
    for (let word = 0; word < this.#keyWords; word++) {
      cells[at + slotHeaderWords + word] = key[word] as number;
    }
    cells[at + Cell.waiting] = 0;
    cells[at + Cell.lastSeen] = nowMs;
    cells[at + Cell.firstSeen] = nowMs;
    cells[at + Cell.kind] = kind;
    cells[at + Cell.index] = index;
    this.#failed[slot] = 0;
    this.#index.add(slot, hash);
    this.#showVersion(slot);
    return slot;
  }

  #close(slot: number): void {
    this.changes = (this.changes + 1) | 0;
    Atomics.store(this.#cells, slot * slotWords + Cell.version, 0);
    this.#index.remove(slot);
    this.#failed[slot] = 0;
    this.#free[this.#freeCount++] = slot;
  }

  /** Drops the least recently seen question that no instrument waits for. Rare: only when full. */
  #evictUnwaited(): boolean {
    if (this.#waitedCount === this.capacity) return false;
    let victim = -1;
    let oldest = Infinity;
    for (let slot = 0; slot < this.capacity; slot++) {
      if (this.first(slot) >= 0) continue;
      const seen = (this.#cells[slot * slotWords + Cell.lastSeen] as number) >>> 0;
      if (seen < oldest) {
        oldest = seen;
        victim = slot;
      }
    }
    this.#close(victim);
    this.#evictions++;
    return true;
  }

  #lookup(key: Uint32Array, hash: number): number {
    const index = this.#index;
    for (let bucket = index.first(hash); ; bucket = index.next(bucket)) {
      const slot = index.slotAt(bucket);
      if (slot < 0 || (index.has(slot, hash) && this.#sameKey(slot, key))) return slot;
    }
  }

  #sameKey(slot: number, key: Uint32Array): boolean {
    const at = slot * slotWords + slotHeaderWords;
    for (let word = 0; word < this.#keyWords; word++) {
      if (this.#cells[at + word] !== ((key[word] as number) | 0)) return false;
    }
    return true;
  }
}
