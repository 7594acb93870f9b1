/** The machine behind tune: files that are replaced whole, commands that end, a lock that dies. */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Host, temporarySuffix } from "../../src/host/host.ts";
import { emptyDirectory } from "../support/directory.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a file that is replaced", () => {
  test("goes neither through a link in its new file's place nor keeps that one's mode", () => {
    using folder = emptyDirectory();
    const outside = join(folder.path, "outside");
    writeFileSync(outside, "untouched");
    const root = join(folder.path, "root");
    const host = new Host(folder.path);
    host.makeDirectory("/root");
    symlinkSync(outside, join(root, `file${temporarySuffix}`));
    new Host(root).replaceFile("/file", bytes("new"), 0o600);
    expect(readFileSync(join(root, "file"), "utf8")).toBe("new");
    expect(lstatSync(join(root, "file")).mode & 0o777).toBe(0o600);
    expect(readFileSync(outside, "utf8")).toBe("untouched");
  });

  test("leaves nothing behind where it cannot be put in place", () => {
    using folder = emptyDirectory();
    const host = new Host(folder.path);
    host.makeDirectory("/taken");
    expect(() => host.replaceFile("/taken", bytes("new"), 0o644)).toThrow();
    expect(existsSync(join(folder.path, `taken${temporarySuffix}`))).toBe(false);
  });
});

describe("a command", () => {
  test("that does not heed a request to end is ended all the same", () => {
    const host = new Host();
    const result = host.run(["sh", "-c", "trap '' TERM; while :; do :; done"], 50);
    expect(result.code).toBe(124);
  });
});

describe("a lock", () => {
  test("is one's at a time, and the next one's after it", () => {
    using folder = emptyDirectory();
    const host = new Host(folder.path);
    const release = host.lock("/lock", "1\n")!;
    expect(host.lock("/lock", "2\n")).toBeNull();
    expect(host.read("/lock")).toBe("1\n");
    expect(host.stat("/lock")?.mode).toBe(0o600);
    release();
    expect(host.exists("/lock")).toBe(false);
    host.lock("/lock", "3\n")!();
  });

  test("is not handed to the programs that its holder runs", () => {
    using folder = emptyDirectory();
    const host = new Host(folder.path);
    const release = host.lock("/lock", "1\n")!;
    const child = Bun.spawn(["cat"], { stdin: "pipe" });
    const open = readdirSync(`/proc/${child.pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${child.pid}/fd/${fd}`);
      } catch {
        return "closed meanwhile";
      }
    });
    child.kill();
    release();
    expect(open.length).toBeGreaterThan(2);
    expect(open).not.toContain(join(folder.path, "lock"));
  });

  test("ends with a holder that is killed", async () => {
    using folder = emptyDirectory();
    const code = `
      const { Host } = await import(${JSON.stringify(join(import.meta.dir, "../../src/host/host.ts"))});
      if (new Host(${JSON.stringify(folder.path)}).lock("/lock", "child") === null) process.exit(9);
      console.log("held");
      setInterval(() => {}, 1000);`;
    const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
    const held = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(held.value)).toBe("held\n");
    const host = new Host(folder.path);
    expect(host.lock("/lock", "1\n")).toBeNull();
    child.kill("SIGKILL");
    await child.exited;
    const release = host.lock("/lock", "1\n");
    expect(release).not.toBeNull();
    release?.();
  });
});
