/** stdout carries data, stderr carries words. */
import { writeSync } from "node:fs";
import { EdgeError } from "../error.ts";

/** Writes all of the text to stdout before it returns, so that an exit right after loses nothing. */
export function print(text: string): void {
  writeAll(1, text);
}

export function printLine(text: string): void {
  writeAll(1, `${text}\n`);
}

export function printJson(value: unknown): void {
  writeAll(1, `${JSON.stringify(value, null, 2)}\n`);
}

/** Words for a person: progress, notes, errors. With nobody to hear them they are not said. */
export function say(text: string): void {
  try {
    writeAll(2, `${text}\n`);
  } catch {
    // There is no third place to complain to.
  }
}

/** A reader that left (`| head`) is no mistake of ours: `main` ends quietly on this. */
export class PipeClosedError extends Error {}

const waiting = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") throw new PipeClosedError("the reader of the output is gone");
      // A pipe that another process made non-blocking is full: wait for its reader.
      if (code !== "EAGAIN") throw outputFailed(code ?? "unknown");
      Atomics.wait(waiting, 0, 0, 5);
    }
  }
}

export function outputFailed(code: string): EdgeError {
  return new EdgeError(
    "OUTPUT_FAILED",
    `cannot write to stdout: ${code}`,
    "Give the output a file or a pipe that takes it, on a disk with room.",
  );
}

/** Columns padded to their widest cell, two spaces apart. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
