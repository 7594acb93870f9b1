/**
 * Faults for tests of the compiled program, and for nothing else: with HFTEDGE_TEST_FAULT set to
 * THREAD:FAULT ("feed:throw"), each SIGUSR2 lets that thread fail. Without the variable there is no
 * handler, and no message of this kind is ever sent.
 */
import type { WorkerName } from "./worker.ts";

const faults = ["throw", "reject", "close", "hang", "leak"] as const;
export type Fault = (typeof faults)[number];

export interface FaultMessage {
  kind: "fault";
  fault: Fault;
}

/** The supervisor's end. Throws what is no fault, so that a test cannot pass by a slip. */
export function armFault(
  text: string | undefined,
  send: (name: WorkerName, message: FaultMessage) => void,
): void {
  if (text === undefined || text === "") return;
  const [, name, fault] = /^(feed|inference|ops):(throw|reject|close|hang|leak)$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`HFTEDGE_TEST_FAULT=${text} is no fault`);
  process.on("SIGUSR2", () => send(name as WorkerName, { kind: "fault", fault: fault as Fault }));
}

/** The worker's end: fails as it is told. */
export function failOnDemand(worker: Worker): void {
  worker.addEventListener("message", ({ data }: MessageEvent<{ kind: string }>) => {
    if (data.kind === "fault") fail((data as FaultMessage).fault, worker);
  });
}

/** A megabyte a second. */
const leakBytes = 104_858;
const leakMs = 100;
const leaked: Uint8Array[] = [];

function fail(fault: Fault, worker: Worker): void {
  switch (fault) {
    case "throw":
      throw new Error("a fault that a test asked for");
    case "reject":
      void Promise.reject(new Error("a fault that a test asked for"));
      return;
    case "close":
      // The way of a thread to end itself, which the type of the other end does not know.
      (worker as unknown as { close(): void }).close();
      return;
    case "leak":
      setInterval(() => leaked.push(new Uint8Array(leakBytes).fill(1)), leakMs);
      return;
    case "hang":
      // A wait without an end, where a loop would spin a core of the test's machine.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}
