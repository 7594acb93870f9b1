/** Runs a load generator, a process of its own, against a contender. */
import { join } from "node:path";
import { type Contender, lines, type Subject } from "./subject.ts";

/**
 * The result that the load generator in `file` prints; both are gone afterwards. `meanwhile` is called
 * when the subject is up, and what it returns when the load is over.
 */
export async function drive<T>(
  file: string,
  contender: Contender,
  args: readonly (string | number)[],
  meanwhile: (subject: Subject) => () => Promise<void> = () => async () => {},
): Promise<T> {
  const command = [process.execPath, join(import.meta.dir, file), contender.workload];
  const load = Bun.spawn([...command, ...args.map(String)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = lines(load.stdout);
  const line = async (): Promise<string> => {
    const { value, done } = await output.next();
    if (done === true) throw new Error(`${file} stopped beside ${contender.name}`);
    return value;
  };
  const subject = await contender.start(Number(await line()));
  const over = meanwhile(subject);
  try {
    load.stdin.write(String(subject.port));
    await load.stdin.end();
    // What could not be measured, a percentile of no answers, is null in JSON: not a number again.
    return JSON.parse(await line(), (_key, value: unknown) => value ?? Number.NaN) as T;
  } finally {
    await over();
    await load.exited;
    await subject.stop();
  }
}
