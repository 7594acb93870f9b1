/** The status of every second, its last minutes for sparklines, and whether it is still coming. */
import { readToken, type Status } from "./api.ts";
import { streamPath, takeEarly } from "./early-stream.ts";
import { followStream, type StreamState } from "./event-stream.ts";

/** Seconds of history behind a sparkline. */
export const trailSeconds = 300;

/** A second that comes later than this is none that was late: the clock was set back. */
const lateSecondsMax = 5;

/** Numbers of the last minutes, one a second; NaN for a second that was not seen. Never grows. */
export class Trail {
  readonly values = new Float64Array(trailSeconds).fill(Number.NaN);
  #lastS = 0;

  /** `atS`: epoch s. Seconds that were skipped stay unknown. */
  push(atS: number, value: number): void {
    const { values } = this;
    const skipped = this.#lastS === 0 ? 1 : atS - this.#lastS;
    if (skipped <= 0 && skipped > -lateSecondsMax) return;
    // After so long a silence, or on a clock that was set back, nothing before it is comparable.
    if (skipped <= 0 || skipped >= values.length) values.fill(Number.NaN);
    else {
      values.copyWithin(0, skipped);
      values.fill(Number.NaN, values.length - skipped);
    }
    values[values.length - 1] = value;
    this.#lastS = atS;
  }
}

/** Without a byte for so long, heartbeats included, the connection counts as dead. */
const silenceMs = 12_000;

export class Live {
  status: Status | undefined;
  /** When the last status arrived, by this computer's clock. */
  arrivedMs = Number.NaN;
  state: StreamState = { kind: "connecting" };
  /** When the connection was lost; NaN while it is there. */
  lostMs = Number.NaN;
  /** Events that the server dropped because this page was too slow. */
  dropped = 0;
  readonly #listeners: (() => void)[] = [];
  readonly #trails = new Map<string, { trail: Trail; of: (status: Status) => number }>();
  #connection = new AbortController();

  /** The trail of a number of the status; the same name gives the same trail. */
  trail(name: string, of: (status: Status) => number): Trail {
    let entry = this.#trails.get(name);
    if (entry === undefined) {
      entry = { trail: new Trail(), of };
      this.#trails.set(name, entry);
    }
    return entry.trail;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Server's time as far as it is known. */
  nowMs(): number {
    const { status } = this;
    return status === undefined ? Date.now() : status.atMs + (Date.now() - this.arrivedMs);
  }

  connect(): void {
    this.#connection.abort();
    const connection = new AbortController();
    this.#connection = connection;
    void followStream({
      url: streamPath,
      token: readToken(),
      silenceMs,
      signal: connection.signal,
      takeOpen: takeEarly,
      onEvent: ({ event, data }) => this.#take(event, data),
      onState: (state) => this.#turn(state),
    });
  }

  #take(event: string, data: string): void {
    if (event === "dropped") this.dropped++;
    if (event !== "status") return;
    const status = JSON.parse(data) as Status;
    this.status = status;
    this.arrivedMs = Date.now();
    const atS = Math.floor(status.atMs / 1000);
    for (const { trail, of } of this.#trails.values()) trail.push(atS, of(status));
    this.#tell();
  }

  #turn(state: StreamState): void {
    this.state = state;
    if (state.kind === "open") this.lostMs = Number.NaN;
    else if (state.kind === "lost" && Number.isNaN(this.lostMs)) this.lostMs = Date.now();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
