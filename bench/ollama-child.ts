/** The stand-in server in a process of its own, so that its work is not counted as ours. */
import { OllamaServer } from "../test/support/ollama-server.ts";

const server = new OllamaServer({ parallel: 8 });
server.keepCalls = false;
await server.start();
console.log(server.url);
