/** Shortens a Worker's time slice and prints both threads', for slice.test.ts. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { setThreadNice, setThreadSlice, threadNice, threadSliceNs } from "../../src/host/libc.ts";

if (isMainThread) {
  const worker = new Worker(import.meta.path);
  worker.on("message", (seen: object) => {
    console.log(JSON.stringify({ ...seen, main: threadSliceNs() }));
    process.exit(0);
  });
} else {
  setThreadNice(threadNice() + 3);
  const nice = threadNice();
  if (setThreadSlice(200_000) !== 0) throw new Error("the kernel refused the slice");
  parentPort!.postMessage({ worker: threadSliceNs(), niceKept: threadNice() === nice });
}
