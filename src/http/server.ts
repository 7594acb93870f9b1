/** The listening socket around the app. */
import type { Server } from "bun";
import { EdgeError } from "../error.ts";
import type { App } from "./app.ts";
import { problemResponse } from "./problem.ts";

export interface ServerOptions {
  host: string;
  port: number;
  bodyLimitBytes: number;
  /** With this many connections open no further ones are taken, until half of them have ended. */
  connectionsMax: number;
  /** Descriptors that this process has open. */
  descriptors(): number;
  /** No further connections are taken from now on. */
  onFull(): void;
  /** A request was answered: its status, and ns from its head to the reply's. */
  onAnswer(status: number, elapsedNs: number): void;
}

export interface ListeningServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * A connection that sends or takes nothing for so long is closed, s, to within four. The server's own
 * limit on a request that is not whole yet is the same, and no option changes that.
 */
const idleS = 10;
/** How often connections are counted, ms. */
const countMs = 100;

/** Throws EdgeError PORT_IN_USE or LISTEN_FAILED. */
export function listen(app: App, options: ServerOptions): ListeningServer {
  const { connectionsMax, descriptors, onFull } = options;
  let server = serve(app, options, options.port);
  const port = server.port ?? options.port;
  /** Those that only see their connections to an end. */
  const ending = new Set<Server<undefined>>();
  let full = false;
  // The server does not tell of connections that have not asked anything yet, and they are the ones
  // that a client can hold by the thousand: what is counted is what they use up.
  const before = descriptors();
  const count = (): void => {
    const connections = descriptors() - before;
    if (!full && connections > connectionsMax) {
      full = true;
      onFull();
      const old = server;
      ending.add(old);
      void old.stop(false).then(() => ending.delete(old));
    } else if (full && connections <= connectionsMax / 2) {
      try {
        server = serve(app, options, port);
        full = false;
      } catch {
        // Somebody else has the port for the moment: it is tried again with the next count.
      }
    }
  };
  const timer = setInterval(count, countMs);
  return {
    port,
    stop: async () => {
      clearInterval(timer);
      await Promise.all([...new Set([server, ...ending])].map((one) => one.stop(true)));
    },
  };
}

function serve(app: App, options: ServerOptions, port: number): Server<undefined> {
  const { host, bodyLimitBytes, onAnswer } = options;
  try {
    return Bun.serve({
      hostname: host,
      port,
      idleTimeout: idleS,
      maxRequestBodySize: bodyLimitBytes,
      // Messages of errors are for the log, not for whoever asks.
      development: false,
      // Without it that shares the port: a second run would take half of the first one's requests.
      reusePort: false,
      async fetch(request, own) {
        const startedNs = Bun.nanoseconds();
        const length = Number(request.headers.get("content-length") ?? 0);
        const response =
          length > bodyLimitBytes
            ? problemResponse(413, "BODY_TOO_LARGE", `a body has at most ${bodyLimitBytes} bytes`, {
                headers: { connection: "close" },
              })
            : await app.fetch(asked(request), {
                address: own.requestIP(request)?.address ?? "",
              });
        const type = response.headers.get("content-type") ?? "";
        // A stream lives by its own heartbeat and its own limit on slow readers.
        if (request.method === "GET" && type.startsWith("text/event-stream")) {
          own.timeout(request, 0);
        }
        onAnswer(response.status, Bun.nanoseconds() - startedNs);
        return response;
      },
      error: () => problemResponse(500, "INTERNAL", "a mistake of this program"),
    });
  } catch (error) {
    throw listenError(host, port, error);
  }
}

/**
 * HEAD is asked as GET: the server itself leaves the body out, tells its length, and cancels a stream.
 * The app would forget the stream, which would keep its place among those that may be open.
 */
function asked(request: Request): Request {
  return request.method === "HEAD" ? new Request(request, { method: "GET" }) : request;
}

function listenError(host: string, port: number, error: unknown): EdgeError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if (code === "EADDRINUSE") {
    return new EdgeError(
      "PORT_IN_USE",
      `http.listen ${where} is in use by another program`,
      "Stop it, choose another address with --http-listen HOST:PORT, or none with --http-listen ''.",
      error,
    );
  }
  const what = error instanceof Error ? error.message : String(error);
  return new EdgeError(
    "LISTEN_FAILED",
    `http.listen ${where} cannot be opened: ${what}`,
    "Give an address of this machine, and a port that you may use, with --http-listen.",
    error,
  );
}
