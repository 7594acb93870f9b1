/** A small file system of its own, which a test can fill. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A mounted tmpfs that goes with its block; undefined where mounting is not permitted. */
export function smallDisk(bytes: number): ({ path: string } & Disposable) | undefined {
  const path = mkdtempSync(join(tmpdir(), "hftedge-disk-"));
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]);
  if (mount.exitCode !== 0) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "-l", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Why there can be none; undefined where there can. */
export function mountRefusal(): string | undefined {
  if (Bun.which("mount") === null) return "no mount command";
  using disk = smallDisk(1_048_576);
  return disk === undefined ? "needs the permission to mount a tmpfs" : undefined;
}
