/** The socket by which a run is asked: who may take its place, and what cannot be understood. */
import { expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  askControl,
  type ControlReply,
  serveControl,
  socketPath,
} from "../../src/thread/control-socket.ts";
import { emptyDirectory } from "../support/directory.ts";

const status = { verb: "status" } as const;
const reply: ControlReply = {
  ok: true,
  pid: 4711,
  message: "running",
  held: { all: false, symbols: [] },
};

test("aRunAnswersAndItsSocketIsItsOwnersOnly", async () => {
  using folder = emptyDirectory();
  const server = await serveControl(folder.path, () => reply);
  expect(await askControl(folder.path, status)).toEqual(reply);
  expect(statSync(socketPath(folder.path)).mode & 0o777).toBe(0o600);
  await expect(serveControl(folder.path, () => reply)).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
  });
  server.stop();
  expect(existsSync(socketPath(folder.path))).toBe(false);
  expect(await askControl(folder.path, status)).toBeUndefined();
});

test("aRunThatStandsStillKeepsItsPlace", async () => {
  using folder = emptyDirectory();
  // As a stopped process does it: the kernel takes the connection, and nobody reads it.
  using still = Bun.listen({ unix: socketPath(folder.path), socket: { data() {} } });
  await expect(askControl(folder.path, status, 1)).rejects.toMatchObject({ code: "RUN_SILENT" });
  await expect(serveControl(folder.path, () => reply)).rejects.toMatchObject({
    code: "RUN_SILENT",
  });
  expect(existsSync(socketPath(folder.path))).toBe(true);
  still.stop();
});

test("theFileOfARunThatIsGoneIsReplaced", async () => {
  using folder = emptyDirectory();
  writeFileSync(socketPath(folder.path), "");
  const server = await serveControl(folder.path, () => reply);
  expect(await askControl(folder.path, status)).toEqual(reply);
  server.stop();
});

test("aPathThatIsTooLongForASocketIsSaidSo", async () => {
  using folder = emptyDirectory();
  const path = join(folder.path, "a".repeat(120));
  await expect(serveControl(path, () => reply)).rejects.toMatchObject({ code: "CONTROL_SOCKET" });
});

test("whatIsNoRequestIsToldSoAndDoesNothing", async () => {
  using folder = emptyDirectory();
  let asked = 0;
  const server = await serveControl(folder.path, () => {
    asked++;
    return reply;
  });
  for (const line of ["{", "null", '{"verb":"stop"}', '{"verb":"hold","symbol":"two words"}']) {
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = "";
    const socket = await Bun.connect({
      unix: socketPath(folder.path),
      socket: { data: (_, bytes) => void (text += bytes.toString()), close: () => resolve(text) },
    });
    socket.write(`${line}\n`);
    expect(JSON.parse(await promise)).toMatchObject({
      ok: false,
      message: "the request was not understood",
    });
  }
  expect(asked).toBe(0);
  server.stop();
});
