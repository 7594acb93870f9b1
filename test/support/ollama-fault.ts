/** How an Ollama server misbehaves, on the wire. */
import type { ServerResponse } from "node:http";
import { json, now, respond } from "./ollama-reply.ts";

/** "none" is health; "crawl" and "no-logprobs" answer, but slowly or less than was asked for. */
export type Fault =
  | "none"
  | "hang"
  | "crawl"
  | "garbage"
  | "cut"
  | "flood"
  | "404"
  | "500"
  | "503"
  | "error-under-200"
  | "no-logprobs";

/** True when the request is dealt with. */
export function misbehave(fault: Fault, response: ServerResponse, model: string): boolean {
  switch (fault) {
    case "hang":
      return true;
    case "garbage":
      respond(response, 200, "application/json; charset=utf-8", "<html>not what you think</html>");
      return true;
    case "cut":
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
      response.write('{"model":"', () => response.socket?.destroy());
      return true;
    case "flood": {
      response.writeHead(200, { "Content-Type": "application/json" });
      const block = "x".repeat(65536);
      const more = (): void => {
        while (!response.destroyed && response.write(block)) continue;
      };
      response.on("drain", more);
      more();
      return true;
    }
    case "404":
      json(response, 404, { error: `model '${model}' not found` });
      return true;
    case "500":
      json(response, 500, {
        error:
          "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details",
      });
      return true;
    case "503":
      json(response, 503, {
        error: "server busy, please try again.  maximum pending requests exceeded",
      });
      return true;
    case "error-under-200":
      respond(
        response,
        200,
        "application/x-ndjson",
        `{"model":"${model}","created_at":"${now()}","response":"B","done":false}\n{"error":"llama-server process has terminated: signal: killed"}\n`,
      );
      return true;
    default:
      return false;
  }
}

/** Flags of a run that soon notices what its model's server does, and soon tries again. */
export const impatientModel: readonly string[] = [
  "--inference-engine=ollama",
  "--inference-retry-ms=50",
  "--inference-check-ms=50",
  "--inference-deadline-ms=300",
  "--inference-hung-ms=600",
  "--inference-breaker-open-ms=20",
  "--inference-breaker-open-max-ms=50",
];
