/** The retransmission server and the snapshot server of a replay: sockets around what they remember. */
import { EdgeError } from "../error.ts";
import { SoupBinReader } from "../feed/soupbintcp.ts";
import { Random } from "./random.ts";
import type { ServerState } from "./server-state.ts";

export interface ServerAddress {
  host: string;
  port: number;
}

export interface ServerOptions {
  /** Messages that can be asked for again. */
  messagesMax: number;
  rerequest: ServerAddress | undefined;
  snapshot: ServerAddress | undefined;
  /** Probability that an answer to a request is lost, and the seed of that. */
  answerDrop: number;
  seed: number;
}

export interface ReplayServer {
  /** Ports in use, where a port of 0 asked for a free one; 0 for a server that is off. */
  rerequestPort: number;
  snapshotPort: number;
  close(): void;
}

const connectionsMax = 16;
/** The lines of a replay draw from streams 0, 1, …; the answers from one of their own. */
const answerStream = 1000;

/** Throws EdgeError SERVER_ADDRESS. */
export async function serve(options: ServerOptions, state: ServerState): Promise<ReplayServer> {
  const requests = options.rerequest && (await serveRequests(options.rerequest, options, state));
  try {
    const snapshots = options.snapshot && serveSnapshots(options.snapshot, state);
    return {
      rerequestPort: requests?.port ?? 0,
      snapshotPort: snapshots?.port ?? 0,
      close() {
        requests?.close();
        snapshots?.close();
      },
    };
  } catch (error) {
    requests?.close();
    throw error;
  }
}

async function serveRequests(
  { host, port }: ServerAddress,
  { answerDrop, seed }: ServerOptions,
  state: ServerState,
): Promise<{ port: number; close(): void }> {
  const random = new Random(seed, answerStream);
  try {
    const socket = await Bun.udpSocket({
      hostname: host,
      port,
      socket: {
        data(own, bytes, fromPort, address) {
          const answer = state.request(bytes, bytes.length);
          if (answer === undefined || random.chance(answerDrop)) return;
          try {
            own.send(answer, fromPort, address);
          } catch {
            // Whoever asked is gone, or asks again.
          }
        },
        error() {},
      },
    });
    return { port: socket.port, close: () => socket.close() };
  } catch (error) {
    throw addressError("udp", host, port, error);
  }
}

function serveSnapshots(
  { host, port }: ServerAddress,
  state: ServerState,
): { port: number; close(): void } {
  interface Connection {
    reader: SoupBinReader;
    waiting: Buffer;
  }
  let connections = 0;
  const flush = (socket: Bun.Socket<Connection>): void => {
    const { waiting } = socket.data;
    if (waiting.length === 0) return;
    const sent = socket.write(waiting);
    socket.data.waiting = waiting.subarray(Math.max(0, sent));
  };
  try {
    const server = Bun.listen<Connection>({
      hostname: host,
      port,
      socket: {
        open(socket) {
          socket.data = { reader: new SoupBinReader(), waiting: Buffer.alloc(0) };
          if (++connections > connectionsMax) socket.end();
        },
        data(socket, bytes) {
          const { reader } = socket.data;
          for (let at = 0; at < bytes.length;) {
            at += reader.push(bytes, at, bytes.length);
            while (reader.next()) {
              if (reader.type === 0x4c) socket.data.waiting = state.snapshot(); // L
              if (reader.type === 0x4f) return void socket.end(); // O
            }
          }
          flush(socket);
        },
        drain: flush,
        close() {
          connections--;
        },
        error() {},
      },
    });
    return { port: server.port, close: () => server.stop(true) };
  } catch (error) {
    throw addressError("tcp", host, port, error);
  }
}

function addressError(kind: string, host: string, port: number, error: unknown): EdgeError {
  return new EdgeError(
    "SERVER_ADDRESS",
    `cannot serve on ${kind}://${host}:${port}: ${error instanceof Error ? error.message : String(error)}`,
    "Choose an address of this machine and a port that nobody has.",
    error,
  );
}
