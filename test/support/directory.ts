import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestDirectory extends Disposable {
  path: string;
}

/** An empty folder that goes with the test: `using folder = emptyDirectory()`. */
export function emptyDirectory(): TestDirectory {
  const path = mkdtempSync(join(tmpdir(), "hftedge-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
