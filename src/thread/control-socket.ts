/**
 * The unix socket over which `hold`, `release` and a second start talk to the run: one JSON object
 * a line each way. Only its owner may open it, and requests are bounded.
 */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { EdgeError } from "../error.ts";

export const requestSchema = z.discriminatedUnion("verb", [
  z.strictObject({ verb: z.literal("status") }),
  z.strictObject({
    verb: z.enum(["hold", "release"]),
    symbol: z
      .string()
      .regex(/^[\x21-\x7e]{1,16}$/)
      .nullable(),
  }),
]);
export type ControlRequest = z.infer<typeof requestSchema>;

export interface ControlReply {
  ok: boolean;
  pid: number;
  /** What is wrong, or what was done, in words. */
  message: string;
  held: { all: boolean; symbols: string[] };
}

const requestBytesMax = 4096;

export function socketPath(dataDirectory: string): string {
  return join(dataDirectory, "control.sock");
}

/**
 * Serves requests until `stop`. Throws ALREADY_RUNNING when another run answers on the path, the
 * EdgeErrors of askControl, and CONTROL_SOCKET.
 */
export async function serveControl(
  dataDirectory: string,
  answer: (request: ControlRequest) => ControlReply,
): Promise<{ stop(): void }> {
  const path = socketPath(dataDirectory);
  if (existsSync(path)) {
    const other = await askControl(dataDirectory, { verb: "status" });
    if (other !== undefined) {
      throw new EdgeError(
        "ALREADY_RUNNING",
        `another hftedge runs on ${dataDirectory}, with pid ${other.pid}`,
        `Stop it (kill ${other.pid}), or give this one a data directory of its own with --data-directory.`,
      );
    }
    rmSync(path, { force: true });
  }
  const server = listen(path, answer);
  chmodSync(path, 0o600);
  return {
    stop() {
      server.stop(true);
      rmSync(path, { force: true });
    },
  };
}

/** Nobody else may open it, not even in the moment between its making and its mode. */
function listen(
  path: string,
  answer: (request: ControlRequest) => ControlReply,
): Bun.UnixSocketListener<{ text: string }> {
  const mask = process.umask(0o177);
  try {
    return Bun.listen<{ text: string }>({ unix: path, socket: serving(answer) });
  } catch (error) {
    throw new EdgeError(
      "CONTROL_SOCKET",
      `the control socket ${path} cannot be made: ${(error as Error).message}`,
      "Choose a data directory that is writable and whose path has at most 90 characters, with --data-directory.",
      error,
    );
  } finally {
    process.umask(mask);
  }
}

function serving(
  answer: (request: ControlRequest) => ControlReply,
): Bun.SocketHandler<{ text: string }> {
  return {
    open: (socket) => {
      socket.data = { text: "" };
    },
    data: (socket, bytes) => {
      socket.data.text += bytes.toString();
      const end = socket.data.text.indexOf("\n");
      if (end < 0) {
        if (socket.data.text.length > requestBytesMax) socket.end();
        return;
      }
      socket.end(`${JSON.stringify(replyTo(socket.data.text.slice(0, end), answer))}\n`);
    },
    error: (socket) => {
      socket.end();
    },
  };
}

function replyTo(line: string, answer: (request: ControlRequest) => ControlReply): ControlReply {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    request = undefined;
  }
  const parsed = requestSchema.safeParse(request);
  if (parsed.success) return answer(parsed.data);
  const held = { all: false, symbols: [] };
  return { ok: false, pid: process.pid, message: "the request was not understood", held };
}

/**
 * Asks the run on this data directory; undefined when there is none. Throws RUN_SILENT of a run that
 * is there but doesn't answer in time, for nobody may take its place, and RUN_FORBIDDEN of another
 * user's.
 */
export async function askControl(
  dataDirectory: string,
  request: ControlRequest,
  answerMs = 2000,
): Promise<ControlReply | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<ControlReply | undefined>();
  let text = "";
  const socket = await connect(dataDirectory, {
    data: (_socket, bytes) => {
      text += bytes.toString();
    },
    close: () => resolve(parseReply(text)),
    error: () => resolve(undefined),
  });
  if (socket === undefined) return undefined;
  const timer = setTimeout(() => {
    const words = `the run on ${dataDirectory} does not answer`;
    const hint = "It stands still or has too much to do; end it with kill, by its pid in ps.";
    reject(new EdgeError("RUN_SILENT", words, hint));
  }, answerMs);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}

/** Undefined where nobody listens: the file is of a run that is gone, or there is none. */
async function connect(
  dataDirectory: string,
  handler: Bun.SocketHandler<undefined>,
): Promise<Bun.Socket<undefined> | undefined> {
  try {
    return await Bun.connect({ unix: socketPath(dataDirectory), socket: handler });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") return undefined;
    throw new EdgeError(
      "RUN_FORBIDDEN",
      `the run on ${dataDirectory} is another user's`,
      "Ask it as that user, or as root.",
      error,
    );
  }
}

function parseReply(text: string): ControlReply | undefined {
  try {
    return JSON.parse(text) as ControlReply;
  } catch {
    return undefined;
  }
}
