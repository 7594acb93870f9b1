/**
 * Intended send times. They follow from the capture's times and the start alone, never from when the
 * datagram before was sent, so that a delay does not push all that follows. A sender that fell behind
 * catches up, and when it fell behind by more than `lagMaxNs` the whole schedule is moved and that is
 * counted, because a backlog of seconds sent at once is a flood and no replay.
 */
export interface PaceCounts {
  /** Datagrams sent more than a millisecond after their intended time. */
  late: number;
  lateNsMax: number;
  /** How often and by how much in all the schedule had to be moved. */
  moved: number;
  movedNs: number;
}

const lagMaxNs = 1e9;
const lateNs = 1e6;

export class Pace {
  readonly counts: PaceCounts = { late: 0, lateNsMax: 0, moved: 0, movedNs: 0 };
  /** Capture time that passes in one unit of wall time; Infinity means as fast as possible. */
  readonly speed: number;
  #startNs = 0;

  constructor(speed: number) {
    this.speed = speed;
  }

  /** Time 0 of the capture is now. */
  start(nowNs: number): void {
    this.#startNs = nowNs;
  }

  /** When a datagram of this capture time is to be sent, on the clock of `start`. */
  dueNs(timeNs: number): number {
    return this.#startNs + timeNs / this.speed;
  }

  /** To be called when a datagram that was due then is sent now. */
  sent(dueNs: number, nowNs: number): void {
    if (this.speed === Number.POSITIVE_INFINITY) return;
    const lag = nowNs - dueNs;
    if (lag > this.counts.lateNsMax) this.counts.lateNsMax = lag;
    if (lag > lateNs) this.counts.late += 1;
    if (lag > lagMaxNs) {
      this.#startNs += lag;
      this.counts.moved += 1;
      this.counts.movedNs += lag;
    }
  }
}
