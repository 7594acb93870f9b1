/** What the operating system gives too little of. */
import { connect, type Socket } from "node:net";
import { run } from "../../support/binary.ts";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";

const noPrlimit = Bun.which("prlimit") === null ? "needs prlimit" : undefined;
const descriptors = 64;
const mebibyte = 1_048_576;

/** Whether nobody listens there. */
function isRefused(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once("connect", () => end(false));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"));
  });
}

export const limitFaults: readonly Fault[] = [
  {
    name: "file descriptors run out",
    injected: `at most ${descriptors} of them, and 120 connections that stay open`,
    promised: "signals go on; HTTP serves again as soon as there are some",
    skip: noPrlimit,
    async provoke() {
      await using edge = await FaultEdge.start({
        wrap: ["prlimit", `--nofile=${descriptors}:${descriptors}`],
      });
      await edge.works();
      const { hostname, port } = new URL(edge.url);
      const sockets: Socket[] = Array.from({ length: 120 }, () => {
        const socket = connect(Number(port), hostname);
        socket.on("error", () => {});
        return socket;
      });
      const used = async (): Promise<number> =>
        [...new Bun.Glob("*").scanSync({ cwd: `/proc/${edge.running.pid}/fd`, onlyFiles: false })]
          .length;
      // It counts its connections ten times a second, and takes no more when the descriptors run short:
      // by then all of them may be in use already, or it was quicker.
      const endMs = performance.now() + 30_000;
      let most = 0;
      let refuses = false;
      while (!refuses && most < descriptors && performance.now() < endMs) {
        most = Math.max(most, await used());
        refuses = await isRefused(Number(port), hostname);
      }
      promise(refuses || most >= descriptors, `only ${most} descriptors were in use`);
      const decidedMs = await edge.decides("MEANWHILE");
      for (const socket of sockets) socket.destroy();
      const freedMs = performance.now();
      while ((await edge.health()) < 0) {
        promise(performance.now() - freedMs < 30_000, "HTTP did not come back");
      }
      const backMs = performance.now() - freedMs;
      await edge.works();
      await edge.ends();
      return `${most} of ${descriptors} seen in use, then no connection was taken; decided meanwhile after ${duration(decidedMs)}; HTTP back ${duration(backMs)} after the end`;
    },
  },
  {
    name: "memory does not suffice for what is configured",
    injected: "room for forty million orders under an address space of 3 GB",
    promised: "refuses to start, in words",
    skip: noPrlimit,
    async provoke() {
      const done = await run(
        [
          "run",
          "--feed=udp://127.0.0.1:0?format=itch50",
          "--limit-orders=40000000",
          "--inference-engine=rules",
          "--http-listen=127.0.0.1:0",
        ],
        { wrap: ["prlimit", `--as=${3000 * mebibyte}`], timeoutMs: 60_000 },
      );
      promise(done.code === 1, `exit code ${done.code}`);
      const [words = ""] = /hftedge: .*memory.*/i.exec(done.stderr) ?? [];
      promise(words !== "", `no word of memory: ${done.stderr.slice(-500)}`);
      return `exit code 1: "${words}"`;
    },
  },
  {
    name: "memory is short",
    injected:
      "at most 4 GiB of private memory (it reserves 1.4 GiB at rest, and uses a tenth), and 100,000 ticks of 2,000 symbols",
    promised: "stays within it and goes on",
    skip: noPrlimit,
    async provoke() {
      await using edge = await FaultEdge.start({
        wrap: ["prlimit", `--data=${4096 * mebibyte}`],
      });
      await edge.works();
      const quote = { price: 100, bid: 100, ask: 100.01, bidSize: 5, askSize: 5 };
      for (let i = 0; i < 100_000; i++) {
        const timestamp = Date.now();
        edge.send(JSON.stringify({ symbol: `M${i % 2000}`, timestamp, volume: 1, ...quote }));
        if (i % 1000 === 0) await Bun.sleep(1);
      }
      await edge.works();
      const residentMiB = await edge.residentMiB();
      await edge.ends();
      return `${residentMiB.toFixed(0)} MiB resident at the end; decides and serves`;
    },
  },
];
