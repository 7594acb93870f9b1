/** Faults of the model's server, a stand-in that does what a real one does. */
import { impatientModel, type Fault as ServerFault } from "../../support/ollama-fault.ts";
import { OllamaServer } from "../../support/ollama-server.ts";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";

const impatient = [
  ...impatientModel,
  // Each symbol has states of its own, so that one that nobody knows is always at hand.
  "--state-symbol-in-key=always",
  "--signal-emit=every",
];

async function withModel(ask: (server: OllamaServer, edge: FaultEdge) => Promise<string>) {
  const server = await new OllamaServer({ evalMs: 1 }).start();
  try {
    await using edge = await FaultEdge.start({
      args: [...impatient, `--inference-hosts=${server.url}`],
    });
    await edge.tickUntil("BEFORE", ({ signal }) => signal === "BUY");
    const seen = await ask(server, edge);
    await edge.ends();
    return seen;
  } finally {
    await server.stop();
  }
}

function modelFault(
  fault: ServerFault | "down",
  name: string,
  injected: string,
  reason: string,
): Fault {
  return {
    name,
    injected,
    promised: `unknown states are HOLD (${reason}); known ones are served on; it ends by itself`,
    async provoke() {
      return await withModel(async (server, edge) => {
        if (fault === "down") await server.stop();
        else server.fault = fault;
        if (fault === "crawl") server.evalMs = 50;
        await edge.tickUntil("DURING", (signal) => signal["reason"] === reason);
        promise(edge.last("DURING")?.["signal"] === "HOLD", "an answer that nobody gave");
        await edge.tickUntil("BEFORE", ({ signal }) => signal === "BUY");
        promise((await edge.health()) >= 0, "HTTP does not answer");
        if (fault === "down") await server.start();
        else server.fault = "none";
        server.evalMs = 1;
        const backMs = await edge.tickUntil("DURING", ({ signal }) => signal === "BUY");
        return `HOLD, ${reason}; known states decided on; asked again and answered ${duration(backMs)} after the end`;
      });
    },
  };
}

export const modelFaults: readonly Fault[] = [
  modelFault("down", "Ollama is down", "its port is closed", "model unreachable"),
  modelFault("hang", "Ollama hangs", "it takes requests and never answers", "deadline"),
  modelFault("crawl", "Ollama crawls", "it answers after 1 s, the deadline is 300 ms", "deadline"),
  modelFault("garbage", "Ollama talks garbage", "HTML under status 200", "unreadable answer"),
  modelFault("cut", "Ollama cuts answers off", "half an answer, then a reset", "model unreachable"),
  modelFault("404", "Ollama: 404", "the model is not there", "model unreachable"),
  modelFault("500", "Ollama: 500", "its runner died", "model unreachable"),
  modelFault("503", "Ollama: 503", "its queue is full", "model unreachable"),
  {
    name: "Ollama has another model under the same name",
    injected: "the digest changes, and its answers with it",
    promised: "no answer of the old model is used after the change is seen",
    async provoke() {
      return await withModel(async (server, edge) => {
        const before = edge.last("BEFORE")!["version"];
        server.answer = () => ({ tokens: { SELL: 0.8, BUY: 0.1, HOLD: 0.1 } });
        server.replaceModel("b".repeat(64));
        // A question on its way at the change is answered by whoever is there, under the old version.
        const isNew = (signal: Record<string, unknown>): boolean => signal["version"] !== before;
        const tookMs = await edge.tickUntil("BEFORE", (signal) => {
          return signal["signal"] === "SELL" && isNew(signal);
        });
        for (let i = 0; i < 10; i++) {
          await edge.tickUntil("BEFORE", () => true);
          const last = edge.last("BEFORE")!;
          promise(last["signal"] !== "BUY", "an answer of the model before");
        }
        return `the new model's answers under a new version after ${duration(tookMs)}`;
      });
    },
  },
];
