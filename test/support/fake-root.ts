/** A directory that stands in for "/", filled by a test and removed when the test file ends. */
import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openRoot, type HostRoot } from "../../src/host/root.ts";

const made: string[] = [];
afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

export interface FakeRoot {
  path: string;
  host: HostRoot;
  /** Adds or replaces files; paths are relative to the root. */
  write(files: Readonly<Record<string, string>>): void;
  link(path: string, target: string): void;
}

export function fakeRoot(files: Readonly<Record<string, string>> = {}): FakeRoot {
  const path = mkdtempSync(join(tmpdir(), "hftedge-root-"));
  made.push(path);
  const root: FakeRoot = {
    path,
    host: openRoot(path),
    write: (more) => {
      for (const [name, text] of Object.entries(more)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
    },
    link: (name, target) => {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      symlinkSync(target, join(path, name));
    },
  };
  root.write(files);
  return root;
}
