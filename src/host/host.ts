/**
 * Everything that `tune` knows about, and does to, a machine goes through a `Host`: every file and
 * every external command. A host with a root other than "" is a directory that looks like a machine,
 * so that the same code runs in a test without touching the real one.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { EdgeError } from "../error.ts";
import { lockFile } from "./file-lock.ts";
import { toolEnvironment } from "./tool.ts";

export interface CommandResult {
  /** Exit status; 127 when the command is not installed, 124 when it ran past its time. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface FileStat {
  kind: "file" | "directory" | "link" | "other";
  mode: number;
  uid: number;
  gid: number;
  size: number;
}

/** A command that has not answered by then is stuck: nvidia-smi on a dead GPU, a hung bus. */
const commandTimeoutMs = 30_000;
/** No file that tune reads is larger; a larger one is not what it seems to be. */
const fileBytesMax = 4 << 20;
/** Suffix of the file that a replacement is written to before it is renamed into place. */
export const temporarySuffix = ".hftedge-new";

/** The errno name of a system error ("EINVAL"), or "" for anything else. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) offset += writeSync(descriptor, bytes, offset);
}

export class Host {
  /** "" for this machine, else the directory that stands for "/". */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;

  constructor(root = "", environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.root = root === "" ? "" : realpathSync(root);
    this.environment = environment;
  }

  get uid(): number {
    return process.getuid?.() ?? -1;
  }
  /** Whether tune may write: root, or anybody in a directory that stands for a machine. */
  get privileged(): boolean {
    return this.uid === 0 || this.root !== "";
  }
  /** "x64" or "arm64". */
  get arch(): string {
    return process.arch;
  }
  get pid(): number {
    return process.pid;
  }
  /** Wall-clock time, epoch ms. */
  nowMs(): number {
    return Date.now();
  }
  /** Monotonic, ns. */
  nowNs(): number {
    return Bun.nanoseconds();
  }

  protected path(path: string): string {
    return this.root + path;
  }

  /** Bytes of a file, or null when it is absent, unreadable, or too large to be what it should be. */
  readBytes(path: string): Uint8Array | null {
    try {
      if (statSync(this.path(path)).size > fileBytesMax) return null;
      return readFileSync(this.path(path));
    } catch {
      return null;
    }
  }

  /** Text of a file, or null as `readBytes` says. Pseudo-files keep their trailing newline. */
  read(path: string): string | null {
    const bytes = this.readBytes(path);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  stat(path: string): FileStat | null {
    try {
      const stat = lstatSync(this.path(path));
      const kind = stat.isSymbolicLink()
        ? "link"
        : stat.isDirectory()
          ? "directory"
          : stat.isFile()
            ? "file"
            : "other";
      return { kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, size: stat.size };
    } catch {
      return null;
    }
  }

  /** Follows links: a dangling one does not exist. */
  exists(path: string): boolean {
    try {
      statSync(this.path(path));
      return true;
    } catch {
      return false;
    }
  }

  /** Where a symbolic link points, as it is written; null when `path` is no link. */
  link(path: string): string | null {
    try {
      return readlinkSync(this.path(path));
    } catch {
      return null;
    }
  }

  /** Names in a directory, sorted; none when it is absent or unreadable. */
  list(path: string): string[] {
    try {
      return readdirSync(this.path(path)).toSorted();
    } catch {
      return [];
    }
  }

  /** Paths that match a pattern whose segments may hold `*`; numbers sort as numbers. */
  glob(pattern: string): string[] {
    let found = [""];
    for (const segment of pattern.split("/").slice(1)) {
      if (!segment.includes("*")) {
        found = found.map((base) => `${base}/${segment}`);
        continue;
      }
      const expression = new RegExp(
        `^${segment.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`,
      );
      found = found.flatMap((base) =>
        this.list(base === "" ? "/" : base)
          .filter((name) => expression.test(name))
          .map((name) => `${base}/${name}`),
      );
    }
    return found
      .filter((path) => this.exists(path))
      .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
  }

  /** A link inside a root may point out of it: such a path is never written. */
  private writable(path: string): string {
    const full = this.path(path);
    if (this.root === "") return full;
    const parent = realpathSync(dirname(full));
    let target = join(parent, basename(full));
    try {
      target = realpathSync(target);
    } catch {
      // The file itself is still to be made; its directory is what counts.
    }
    if (target !== this.root && !target.startsWith(`${this.root}/`)) {
      throw new EdgeError(
        "ROOT_ESCAPE",
        `${path} leads out of ${this.root}`,
        "remove the symbolic link from the root",
      );
    }
    return full;
  }

  /**
   * One write(2) to a pseudo-file of /proc or /sys, which has to exist: the kernel parses each write
   * as a whole. Throws the system error (EINVAL, EIO, EROFS, …).
   */
  writeValue(path: string, text: string): void {
    const descriptor = openSync(this.writable(path), constants.O_WRONLY | constants.O_TRUNC);
    try {
      writeSync(descriptor, `${text}\n`);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Replaces a file in one step that survives a crash: new file, fsync, rename, fsync of the folder. */
  replaceFile(
    path: string,
    bytes: Uint8Array,
    mode: number,
    owner?: { uid: number; gid: number },
  ): void {
    const full = this.writable(path);
    const temporary = full + temporarySuffix;
    // What a crash left there may be readable by others, or a link.
    rmSync(temporary, { force: true });
    const descriptor = openSync(temporary, "wx", mode);
    try {
      try {
        writeAll(descriptor, bytes);
        fchmodSync(descriptor, mode);
        if (owner !== undefined && this.uid === 0) fchownSync(descriptor, owner.uid, owner.gid);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, full);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    this.syncDirectory(dirname(path));
  }

  /** Adds text to the end of a file, on disk before it returns. */
  append(path: string, text: string): void {
    const descriptor = openSync(this.writable(path), "a");
    try {
      writeAll(descriptor, new TextEncoder().encode(text));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Locks a file of its own, as `lockFile` says: what it returns lets go. Null while it is held. */
  lock(path: string, text: string): (() => void) | null {
    return lockFile(this.writable(path), text);
  }

  remove(path: string): void {
    unlinkSync(this.writable(path));
    this.syncDirectory(dirname(path));
  }

  /** Parents of a file that are not there, outermost first. */
  missingDirectories(file: string): string[] {
    const missing: string[] = [];
    for (let at = dirname(file); at !== "/" && !this.exists(at); at = dirname(at)) {
      missing.unshift(at);
    }
    return missing;
  }

  /** Makes a directory and its parents; returns those that were not there, outermost first. */
  makeDirectory(path: string): string[] {
    const missing = this.missingDirectories(`${path}/file`);
    for (const directory of missing) {
      mkdirSync(this.writable(directory), { mode: 0o755 });
      // A file in it is on disk only when the folder's own name is.
      this.syncDirectory(dirname(directory));
    }
    return missing;
  }

  /** Removes a directory when it is empty; says whether it is gone. */
  removeDirectory(path: string): boolean {
    try {
      rmdirSync(this.writable(path));
      return true;
    } catch (error) {
      return errnoOf(error) === "ENOENT";
    }
  }

  protected syncDirectory(path: string): void {
    const descriptor = openSync(this.path(path), "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * Runs a command to its end, without a shell. In a root it runs only what the root itself holds
   * under /usr/bin and /usr/sbin, so that nothing there can reach the real machine.
   */
  run(argv: readonly string[], timeoutMs = commandTimeoutMs): CommandResult {
    const [name = "", ...rest] = argv;
    const program =
      this.root === ""
        ? Bun.which(name, { PATH: `${this.environment["PATH"] ?? ""}:/usr/sbin:/sbin` })
        : ([`/usr/bin/${name}`, `/usr/sbin/${name}`]
            .filter((path) => this.exists(path))
            .map((path) => this.path(path))[0] ?? null);
    if (program === null) return { code: 127, stdout: "", stderr: `${name}: not installed` };
    const result = Bun.spawnSync([program, ...rest], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: timeoutMs,
      // What hangs may not heed a request to end.
      killSignal: "SIGKILL",
      maxBuffer: fileBytesMax,
      env: { ...toolEnvironment(this.environment), HFTEDGE_ROOT: this.root },
    });
    return {
      code: result.exitedDueToTimeout === true ? 124 : result.exitCode,
      stdout: result.stdout.toString(),
      stderr: result.stderr.toString(),
    };
  }

  /** Body of a GET on loopback, or null when nobody answers with 200 within the time. */
  async fetchText(url: string, timeoutMs = 1000): Promise<string | null> {
    if (this.root !== "") return null;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      return response.ok ? await response.text() : null;
    } catch {
      return null;
    }
  }
}
