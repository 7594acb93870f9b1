/** Clients that mean harm, or behave as if they did. */
import { connect, type Socket } from "node:net";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";

function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on("error", reject);
  });
}

async function status(url: string, init: RequestInit): Promise<number> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  await response.arrayBuffer();
  return response.status;
}

export const httpFaults: readonly Fault[] = [
  {
    name: "hostile HTTP",
    injected:
      "a foreign Host, other methods, a 60 KB URL, binary noise, headers that never end on 150 connections, more streams than allowed",
    promised: "each is refused; signals and honest clients are served meanwhile",
    async provoke() {
      await using edge = await FaultEdge.start();
      await edge.works();
      const { url } = edge;
      const seen: string[] = [];
      const refused = async (what: string, path: string, init: RequestInit): Promise<void> => {
        const code = await status(`${url}${path}`, init);
        promise(code >= 400 && code < 500, `${what} got ${code}`);
        seen.push(`${what} ${code}`);
      };
      await refused("foreign Host", "/api/v1/status", { headers: { Host: "evil.example" } });
      await refused("POST", "/api/v1/status", { method: "POST", body: "x".repeat(100_000) });
      await refused("DELETE", "/api/v1/signals", { method: "DELETE" });
      await refused("long URL", `/api/v1/latency?from=${"9".repeat(60_000)}`, {});
      await refused("bad range", "/api/v1/latency?from=yesterday&step=-1", {});
      const sockets = await Promise.all(Array.from({ length: 150 }, () => open(url)));
      for (const [i, socket] of sockets.entries()) {
        socket.on("error", () => {});
        if (i % 2 === 0) socket.write("GET / HTTP/1.1\r\nX-Slow: ");
        else socket.write(crypto.getRandomValues(new Uint8Array(512)));
      }
      const streams = new AbortController();
      const codes = await Promise.all(
        Array.from({ length: 80 }, async () => {
          const response = await fetch(`${url}/api/v1/signals/stream`, { signal: streams.signal });
          return response.status;
        }),
      );
      const turnedAway = codes.filter((code) => code === 503 || code === 429).length;
      promise(turnedAway > 0, `of 80 streams none was turned away: ${new Set(codes).size}`);
      const decidedMs = await edge.decides("MEANWHILE");
      const healthMs = await edge.health();
      promise(healthMs >= 0, "an honest client was not served");
      streams.abort();
      for (const socket of sockets) socket.destroy();
      await edge.works();
      await edge.ends();
      return `${seen.join(", ")}; ${turnedAway} of 80 streams turned away; meanwhile a decision after ${duration(decidedMs)}, /healthz in ${duration(healthMs)}`;
    },
  },
];
