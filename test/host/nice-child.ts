/** Raises a Worker's nice value and prints both threads', for nice.test.ts. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { setThreadNice, threadNice } from "../../src/host/libc.ts";

if (isMainThread) {
  const before = threadNice();
  const worker = new Worker(import.meta.path);
  worker.on("message", (nice: number) => {
    console.log(JSON.stringify({ worker: nice - before, main: threadNice() - before }));
    process.exit(0);
  });
} else {
  setThreadNice(threadNice() + 7);
  parentPort!.postMessage(threadNice());
}
