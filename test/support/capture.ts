import { existsSync } from "node:fs";
import { join } from "node:path";

/** Real market data lies beside the repository, not in it: it is not ours to publish. */
export function capturePath(name: string): string {
  return join(import.meta.dir, "../../../shared/captures", name);
}

/** Whether the capture is there; a test without it is skipped, and its name should say why. */
export function hasCapture(name: string): boolean {
  return existsSync(capturePath(name));
}
