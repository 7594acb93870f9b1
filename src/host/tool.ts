/** Runs another program for its output, never for longer than asked and never for more than asked. */

export interface ToolOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/** Undefined when the program is not installed, could not start or did not end in time. */
export type RunTool = (
  argv: readonly string[],
  timeoutMs: number,
) => Promise<ToolOutput | undefined>;

/** Tools print a few KiB; anything longer is cut here. */
const outputBytesMax = 1 << 20;

async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    if (text.length < outputBytesMax) text += decoder.decode(chunk, { stream: true });
  }
  return text.slice(0, outputBytesMax);
}

/**
 * The environment of a tool. Translated output cannot be parsed; and the service manager's socket is
 * ours alone: systemctl reports its own failures there, as if they were ours.
 */
export function toolEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { NOTIFY_SOCKET: _socket, WATCHDOG_USEC: _limit, WATCHDOG_PID: _owner, ...rest } = env;
  return { ...rest, LC_ALL: "C" };
}

/** The real one. */
export const runTool: RunTool = async (argv, timeoutMs) => {
  const path = Bun.which(argv[0] ?? "", {
    PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
  });
  if (path === null) return undefined;
  try {
    const child = Bun.spawn([path, ...argv.slice(1)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      env: toolEnvironment(process.env),
    });
    const [stdout, stderr, code] = await Promise.all([
      readText(child.stdout),
      readText(child.stderr),
      child.exited,
    ]);
    return child.signalCode === null ? { code, stdout, stderr } : undefined;
  } catch {
    return undefined;
  }
};
