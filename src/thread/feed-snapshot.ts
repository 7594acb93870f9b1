/** The connection to a snapshot server: opened when the client wants it, closed when it is done. */
import { GlimpseFault, type GlimpseClient } from "../feed/glimpse.ts";
import { isOver } from "./elapsed.ts";
import type { FeedRecovery } from "./feed-recovery.ts";
import { SnapshotStep } from "./note.ts";
import type { NoteWriter } from "./note-writer.ts";

const connectTimeoutNs = 5e9;

const faultWords: Readonly<Record<GlimpseFault, string>> = {
  [GlimpseFault.none]: "",
  [GlimpseFault.rejected]: "the login was rejected: check snapshotUser and snapshotPassword",
  [GlimpseFault.ended]: "the connection was refused or ended too early",
  [GlimpseFault.silent]: "the server fell silent",
  [GlimpseFault.timeout]: "it took longer than snapshotTimeoutMs",
  [GlimpseFault.malformed]: "a message could not be read",
  [GlimpseFault.superseded]: "the feed began a new session meanwhile",
};

export interface SnapshotOptions {
  feed: string;
  host: string;
  port: number;
  client: GlimpseClient;
  recovery: FeedRecovery;
  /** Index of the feed, for the notes of a run that is recorded. */
  index: number;
  notes: NoteWriter | undefined;
  now: () => number;
  log: (level: "warn" | "info", text: string) => void;
}

export class SnapshotConnection {
  readonly #options: SnapshotOptions;
  #socket: Bun.Socket | undefined;
  #connectingNs = Number.NaN;
  /** Which connection callbacks belong to: those of an abandoned one are ignored. */
  #generation = 0;
  #waiting: Buffer | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** Called every ms or so. */
  poll(nowNs: number): void {
    const { client, recovery } = this.#options;
    if (this.#connecting) {
      if (!isOver(nowNs, this.#connectingNs, connectTimeoutNs)) return;
      this.#abandon();
      this.#refused(nowNs);
    }
    if (client.connected) {
      const verdict = client.poll(nowNs);
      if (verdict !== 0 || !client.connected) this.#note(SnapshotStep.turn, nowNs);
      recovery.snapshot(verdict, nowNs);
      this.#afterwards();
    } else if (client.wants(nowNs)) {
      this.#connect(nowNs);
    }
  }

  close(): void {
    this.#abandon();
  }

  get #connecting(): boolean {
    return this.#connectingNs === this.#connectingNs;
  }

  #connect(nowNs: number): void {
    const { host, port, client, recovery, now } = this.#options;
    const generation = ++this.#generation;
    const isOurs = (): boolean => generation === this.#generation;
    this.#connectingNs = nowNs;
    Bun.connect({
      hostname: host,
      port,
      socket: {
        open: (socket) => {
          if (!isOurs()) return void socket.end();
          this.#connectingNs = Number.NaN;
          this.#socket = socket;
          socket.setNoDelay(true);
          const atNs = now();
          this.#note(SnapshotStep.open, atNs);
          recovery.distrust(atNs);
          client.open(atNs);
          this.#flush();
        },
        data: (_socket, bytes) => {
          if (!isOurs()) return;
          const atNs = now();
          this.#note(SnapshotStep.data, atNs, bytes);
          recovery.snapshot(client.receive(bytes, bytes.length, atNs), atNs);
          this.#afterwards();
        },
        drain: () => {
          if (isOurs()) this.#flush();
        },
        close: () => {
          if (!isOurs()) return;
          this.#socket = undefined;
          const atNs = now();
          this.#note(SnapshotStep.closed, atNs);
          recovery.snapshot(client.closed(atNs), atNs);
          this.#afterwards();
        },
        error: () => {
          // It is followed by close.
        },
        connectError: () => {
          // The promise tells.
        },
      },
    }).catch(() => {
      if (!isOurs()) return;
      this.#abandon();
      this.#refused(now());
    });
  }

  #refused(nowNs: number): void {
    const { client } = this.#options;
    this.#note(SnapshotStep.refused, nowNs);
    client.refused(nowNs);
    this.#say(client);
  }

  #note(step: SnapshotStep, nowNs: number, bytes?: Uint8Array): void {
    this.#options.notes?.snapshot(nowNs, this.#options.index, step, bytes);
  }

  /** Sends what is to be said, and closes the connection of a client that is done. */
  #afterwards(): void {
    const { client, feed, log } = this.#options;
    this.#flush();
    if (client.connected || this.#connecting) return;
    if (this.#generation === 0) return;
    this.#abandon();
    if (client.fault !== GlimpseFault.none) this.#say(client);
    else log("info", `feed ${feed}: its books were replaced by a snapshot`);
  }

  #say(client: GlimpseClient): void {
    const { feed, log } = this.#options;
    log(
      "warn",
      `feed ${feed}: no snapshot, attempt ${client.attempts}: ${faultWords[client.fault]}`,
    );
  }

  /** A few dozen bytes at a time; what the kernel does not take at once goes when it drains. */
  #flush(): void {
    const next = this.#options.client.takeOutput();
    if (next !== undefined) {
      this.#waiting = this.#waiting === undefined ? next : Buffer.concat([this.#waiting, next]);
    }
    if (this.#waiting === undefined || this.#socket === undefined) return;
    const sent = this.#socket.write(this.#waiting);
    this.#waiting =
      sent < this.#waiting.length ? this.#waiting.subarray(Math.max(0, sent)) : undefined;
  }

  #abandon(): void {
    this.#generation++;
    this.#connectingNs = Number.NaN;
    this.#socket?.end();
    this.#socket = undefined;
    this.#waiting = undefined;
  }
}
