/**
 * The unix socket over which `hold`, `release` and a second start talk to the run: one JSON object
 * a line each way. Only its owner may open it, and requests are bounded.
 */
import { chmodSync, existsSync, unlinkSync } from "node:fs";
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
const answerMs = 2000;

export function socketPath(dataDirectory: string): string {
  return join(dataDirectory, "control.sock");
}

/** Serves requests until `stop`. Throws ALREADY_RUNNING when another run answers on the path. */
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
    unlinkSync(path);
  }
  const server = Bun.listen<{ text: string }>({
    unix: path,
    socket: {
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
    },
  });
  chmodSync(path, 0o600);
  return {
    stop() {
      server.stop(true);
      if (existsSync(path)) unlinkSync(path);
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

/** Asks the run on this data directory; undefined when none answers. */
export async function askControl(
  dataDirectory: string,
  request: ControlRequest,
): Promise<ControlReply | undefined> {
  const { promise, resolve } = Promise.withResolvers<ControlReply | undefined>();
  const timer = setTimeout(() => resolve(undefined), answerMs);
  let text = "";
  try {
    const socket = await Bun.connect({
      unix: socketPath(dataDirectory),
      socket: {
        data: (_socket, bytes) => {
          text += bytes.toString();
        },
        close: () => resolve(parseReply(text)),
        error: () => resolve(undefined),
      },
    });
    socket.write(`${JSON.stringify(request)}\n`);
    return await promise;
  } catch {
    // Nobody listens: the file is of a run that is gone.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function parseReply(text: string): ControlReply | undefined {
  try {
    return JSON.parse(text) as ControlReply;
  } catch {
    return undefined;
  }
}
