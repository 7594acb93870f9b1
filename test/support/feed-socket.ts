/** A feed socket on a free loopback port that nobody listens to, with what a test changes of it. */
import type { FeedSocketOptions } from "../../src/feed/socket.ts";

export function feedSocketOptions(changes: Partial<FeedSocketOptions> = {}): FeedSocketOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    interface: null,
    source: null,
    receiveBufferBytes: 131_072,
    busyPollUs: 0,
    shareAddress: false,
    onDatagram: () => {},
    onError: () => {},
    ...changes,
  };
}
