/**
 * Server-sent events to many readers (WHATWG HTML, "Server-sent events"). Each reader has a bounded
 * queue: one that does not keep up loses the oldest events, which are counted and told to it, and
 * one that takes nothing for too long is cut off. Nobody waits for a reader.
 */

export interface HubOptions {
  /** Events that may wait for one reader. */
  queueMax: number;
  /** A comment is sent after this long without an event. */
  heartbeatMs: number;
  /** A reader that took nothing for so long is cut off. */
  stallMs: number;
  /** Events that were dropped for a slow reader. */
  onDrop(events: number): void;
}

/** How many streams are open, over all hubs: they share one cap. */
export class StreamCap {
  readonly max: number;
  open = 0;

  constructor(max: number) {
    this.max = max;
  }
}

type Filter = (event: HubEvent) => boolean;

export interface HubEvent {
  /** Name of the event; clients dispatch on it. */
  event: string;
  /** One line of text. */
  data: string;
  id?: string;
  /** What filters may look at. */
  subject?: string;
}

const encoder = new TextEncoder();

export function eventBytes({ event, data, id }: HubEvent): Uint8Array {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${head}event: ${event}\ndata: ${data}\n\n`);
}

const heartbeat = encoder.encode(": heartbeat\n\n");

class Reader {
  readonly filter: Filter | undefined;
  readonly #options: HubOptions;
  readonly #queue: Uint8Array[] = [];
  readonly #leave: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #dropped = 0;
  /** Something left the queue since `#takenMs` was set. */
  #took = false;
  #lastMs: number;
  #takenMs: number;
  closed = false;

  constructor(options: HubOptions, filter: Filter | undefined, nowMs: number, leave: () => void) {
    this.#options = options;
    this.filter = filter;
    this.#leave = leave;
    this.#lastMs = nowMs;
    this.#takenMs = nowMs;
  }

  stream(first: readonly HubEvent[]): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          controller.enqueue(encoder.encode("retry: 1000\n\n"));
          for (const event of first) controller.enqueue(eventBytes(event));
        },
        pull: () => this.#flush(),
        cancel: () => this.close(),
      },
      { highWaterMark: 4 },
    );
  }

  offer(bytes: Uint8Array, nowMs: number): void {
    this.#queue.push(bytes);
    this.#lastMs = nowMs;
    if (this.#queue.length > this.#options.queueMax) {
      this.#queue.shift();
      this.#dropped++;
      this.#options.onDrop(1);
    }
    this.#flush();
    this.#look(nowMs);
  }

  /** Once a second: the heartbeat where nothing else was sent, and an end to a dead reader. */
  tick(nowMs: number): void {
    this.#look(nowMs);
    if (nowMs - this.#takenMs >= this.#options.stallMs) {
      this.close();
      return;
    }
    if (nowMs - this.#lastMs >= this.#options.heartbeatMs) this.offer(heartbeat, nowMs);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#leave();
    try {
      this.#controller?.close();
    } catch {
      // The other side closed first.
    }
  }

  /** Who always has something waiting takes too little, which is no reason to be cut off. */
  #look(nowMs: number): void {
    if (this.#took || this.#queue.length === 0) this.#takenMs = nowMs;
    this.#took = false;
  }

  #flush(): void {
    const controller = this.#controller;
    if (controller === undefined || this.closed) return;
    while (this.#queue.length > 0 && (controller.desiredSize ?? 0) > 0) {
      if (this.#dropped > 0) {
        controller.enqueue(eventBytes({ event: "dropped", data: `{"events":${this.#dropped}}` }));
        this.#dropped = 0;
      }
      controller.enqueue(this.#queue.shift()!);
      this.#took = true;
    }
  }
}

export class Hub {
  readonly #options: HubOptions;
  readonly #cap: StreamCap;
  readonly #readers = new Set<Reader>();

  constructor(options: HubOptions, cap: StreamCap) {
    this.#options = options;
    this.#cap = cap;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** The events from now on, after `first`; undefined when there are as many readers as may be. */
  subscribe(
    nowMs: number,
    first: readonly HubEvent[] = [],
    filter?: Filter,
  ): ReadableStream<Uint8Array> | undefined {
    if (this.#cap.open >= this.#cap.max) return undefined;
    this.#cap.open++;
    const reader = new Reader(this.#options, filter, nowMs, () => {
      this.#readers.delete(reader);
      this.#cap.open--;
    });
    this.#readers.add(reader);
    return reader.stream(first);
  }

  publish(event: HubEvent, nowMs: number): void {
    if (this.#readers.size === 0) return;
    const bytes = eventBytes(event);
    for (const reader of this.#readers) {
      if (reader.filter === undefined || reader.filter(event)) reader.offer(bytes, nowMs);
    }
  }

  tick(nowMs: number): void {
    for (const reader of this.#readers) reader.tick(nowMs);
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }
}
