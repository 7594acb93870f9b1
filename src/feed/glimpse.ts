import type { Arbiter } from "./arbiter.ts";
import { Verdict } from "./decoder.ts";
import type { Itch50 } from "./itch50.ts";
import {
  soupBinHeartbeatNs,
  soupBinLogin,
  soupBinNumber,
  soupBinPacket,
  SoupBinReader,
  soupBinSilenceNs,
} from "./soupbintcp.ts";

/*
 * NASDAQ GLIMPSE 5.0: the present books as ITCH 5.0 messages over SoupBinTCP (directory, trading
 * states, one add for each live order), asked for from sequence 1, and at their end
 *
 *   0   1                 21
 *   ├ G ┼ sequence[20] ───┤      the ITCH sequence from which the feed goes on, in ASCII digits
 */

export interface GlimpseOptions {
  username: string;
  password: string;
  /** For a whole snapshot, from the connection to its last message. */
  timeoutNs: number;
  /** Attempts for one loss; the second waits `retryNs`, each next one twice as long. */
  attempts: number;
  retryNs: number;
}

export const GlimpseFault = {
  none: 0,
  rejected: 1,
  /** The server ended the session, or hung up, before the end of the snapshot. */
  ended: 2,
  silent: 3,
  timeout: 4,
  /** A message that could not be read, or an end without a sequence. */
  malformed: 5,
  /** The feed's session changed meanwhile: the snapshot is of the past. */
  superseded: 6,
} as const;
export type GlimpseFault = (typeof GlimpseFault)[keyof typeof GlimpseFault];

/**
 * Heals a channel that lost messages, or that was joined in mid-session, by a snapshot: while it is
 * read, the arbiter keeps what the feed brings, and goes on behind the snapshot. It does no I/O: the
 * owner opens a connection when `wants` says so, and carries bytes.
 */
export class GlimpseClient {
  /** Whether a connection is open and needed; the owner closes it when this turns false. */
  connected = false;
  /** Why the last attempt failed. */
  fault: GlimpseFault = GlimpseFault.none;
  /** Attempts since the channel was last whole, and snapshots applied in all. */
  attempts = 0;
  snapshots = 0;

  readonly #options: GlimpseOptions;
  readonly #arbiter: Arbiter;
  readonly #messages: Itch50;
  readonly #channel: number;
  readonly #reader = new SoupBinReader();
  /** One message behind its length, as the ITCH decoder reads it. */
  readonly #message = Buffer.alloc(2 + 0xffff);
  readonly #login: Buffer;
  readonly #heartbeat = soupBinPacket("R", new Uint8Array(0));
  readonly #logout = soupBinPacket("O", new Uint8Array(0));
  #output: Buffer | undefined;
  /** Somebody asked for a snapshot of a channel that has lost nothing. */
  #asked = false;
  #retryNs = Number.NEGATIVE_INFINITY;
  #openedNs = 0;
  #heardNs = 0;
  #spokeNs = 0;

  constructor(options: GlimpseOptions, arbiter: Arbiter, messages: Itch50, channel: number) {
    this.#options = options;
    this.#arbiter = arbiter;
    this.#messages = messages;
    this.#channel = channel;
    this.#login = soupBinLogin(options.username, options.password, "", 1);
  }

  /** Asks for a snapshot though nothing is lost; once the running one is over, if there is one. */
  request(): void {
    this.#asked = true;
  }

  /** Whether a connection should be opened now. */
  wants(nowNs: number): boolean {
    if (this.connected) return false;
    const broken = this.#arbiter.isBroken(this.#channel);
    if (!broken && this.attempts >= this.#options.attempts) this.#asked = false;
    if (!broken && !this.#asked) {
      this.attempts = 0;
      this.#retryNs = Number.NEGATIVE_INFINITY;
      return false;
    }
    return this.attempts < this.#options.attempts && nowNs >= this.#retryNs;
  }

  /** The connection stands: log in, and let the arbiter keep what the feed brings from now on. */
  open(nowNs: number): void {
    this.connected = true;
    this.#asked = false;
    this.fault = GlimpseFault.none;
    this.attempts++;
    this.#retryNs = nowNs + this.#options.retryNs * 2 ** Math.min(this.attempts - 1, 20);
    this.#openedNs = nowNs;
    this.#heardNs = nowNs;
    this.#say(this.#login, nowNs);
    this.#reader.reset();
    this.#arbiter.beginSnapshot(this.#channel);
  }

  /** The connection could not be opened. */
  refused(nowNs: number): void {
    this.attempts++;
    this.#retryNs = nowNs + this.#options.retryNs * 2 ** Math.min(this.attempts - 1, 20);
    this.fault = GlimpseFault.ended;
  }

  /** Bytes of the connection; returns bits of `Verdict`, 0 as long as the snapshot goes on. */
  receive(bytes: Uint8Array, length: number, nowNs: number): number {
    if (!this.connected) return 0;
    this.#heardNs = nowNs;
    const reader = this.#reader;
    for (let at = 0; at < length;) {
      at += reader.push(bytes, at, length);
      while (reader.next()) {
        const verdict = this.#packet(nowNs);
        if (!this.connected) return verdict;
      }
    }
    return 0;
  }

  /** The connection ended. */
  closed(nowNs: number): number {
    return this.connected ? this.#fail(GlimpseFault.ended, nowNs) : 0;
  }

  /** Keeps the connection alive, and gives up one that is dead or too slow. */
  poll(nowNs: number): number {
    if (!this.connected) return 0;
    if (!this.#arbiter.isReplacing(this.#channel)) {
      return this.#fail(GlimpseFault.superseded, nowNs);
    }
    if (nowNs - this.#openedNs >= this.#options.timeoutNs) {
      return this.#fail(GlimpseFault.timeout, nowNs);
    }
    if (nowNs - this.#heardNs >= soupBinSilenceNs) return this.#fail(GlimpseFault.silent, nowNs);
    if (nowNs - this.#spokeNs >= soupBinHeartbeatNs) this.#say(this.#heartbeat, nowNs);
    return 0;
  }

  /** Bytes to be sent now, if any; also once after `connected` has turned false. */
  takeOutput(): Buffer | undefined {
    const output = this.#output;
    this.#output = undefined;
    return output;
  }

  #say(packet: Buffer, nowNs: number): void {
    this.#output = packet;
    this.#spokeNs = nowNs;
  }

  #packet(nowNs: number): number {
    switch (this.#reader.type) {
      case 0x53: // S
        return this.#data(nowNs);
      case 0x4a: // J
        return this.#fail(GlimpseFault.rejected, nowNs);
      case 0x5a: // Z
        return this.#fail(GlimpseFault.ended, nowNs);
      default:
        return 0;
    }
  }

  #data(nowNs: number): number {
    const { bytes, at, end } = this.#reader;
    if (!this.#arbiter.isReplacing(this.#channel)) {
      return this.#fail(GlimpseFault.superseded, nowNs);
    }
    if (end > at && bytes[at] === 0x47) {
      const next = end - at === 21 ? soupBinNumber(bytes, at + 1, 20) : -1;
      if (!this.#arbiter.isPlausible(this.#channel, next)) {
        return this.#fail(GlimpseFault.malformed, nowNs);
      }
      this.connected = false;
      this.snapshots++;
      this.#say(this.#logout, nowNs);
      return this.#arbiter.endSnapshot(this.#channel, next, nowNs);
    }
    this.#message.writeUInt16BE(end - at, 0);
    bytes.copy(this.#message, 2, at, end);
    if (this.#messages.block(this.#message, 0, 1, 0)) return 0;
    return this.#fail(GlimpseFault.malformed, nowNs);
  }

  #fail(fault: GlimpseFault, nowNs: number): number {
    this.connected = false;
    this.fault = fault;
    this.#say(this.#logout, nowNs);
    if (!this.#arbiter.isReplacing(this.#channel)) return 0;
    return this.#arbiter.abortSnapshot(this.#channel, nowNs) & ~Verdict.heartbeat;
  }
}
