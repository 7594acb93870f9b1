/** The service manager's end of sd_notify, for tests: a datagram socket in the Unix domain. */
import { dlopen, ptr } from "bun:ffi";
import { socketAddress } from "../../src/host/notify.ts";

const libc = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

const MSG_DONTWAIT = 0x40;

export interface NotifySocket extends Disposable {
  /** For $NOTIFY_SOCKET. */
  name: string;
  /** Every message so far, in order. */
  messages: readonly string[];
  /** Reads what has arrived. */
  read(): readonly string[];
  /** Waits for a message that matches, from the first one on; fails after `timeoutMs`. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>;
}

/** `name` is a path, or begins with @ for an abstract one. */
export function notifySocket(name: string): NotifySocket {
  const address = socketAddress(name);
  if (address === null) throw new Error(`not a socket name: ${name}`);
  const socket = libc.symbols.socket(1, 2, 0);
  if (libc.symbols.bind(socket, ptr(address), address.length) !== 0) {
    throw new Error(`cannot bind ${name}`);
  }
  const messages: string[] = [];
  const buffer = new Uint8Array(new ArrayBuffer(4096));
  const read = (): readonly string[] => {
    for (;;) {
      const length = Number(libc.symbols.recv(socket, ptr(buffer), 4096n, MSG_DONTWAIT));
      if (length < 0) return messages;
      messages.push(Buffer.from(buffer.subarray(0, length)).toString());
    }
  };
  return {
    name,
    messages,
    read,
    async until(pattern, timeoutMs = 30_000) {
      const deadlineMs = performance.now() + timeoutMs;
      for (;;) {
        const found = read().find((message) => pattern.test(message));
        if (found !== undefined) return found;
        if (performance.now() > deadlineMs) {
          throw new Error(`no message matched ${pattern} among ${JSON.stringify(messages)}`);
        }
        // No event tells of a datagram on a foreign descriptor, so it is looked for each millisecond.
        await Bun.sleep(1);
      }
    },
    [Symbol.dispose]: () => void libc.symbols.close(socket),
  };
}
