/**
 * Ollama servers behind a `fetch` of the test's own, for tests that move the clock themselves: each
 * question waits until the test answers it, so no time passes that the test did not let pass.
 */
import type { Fetch } from "../../src/inference/ollama.ts";

export interface ScriptedQuestion {
  host: string;
  prompt: string;
  isAborted: boolean;
  /** Answers with these probabilities of the first token. */
  answer(tokens?: Record<string, number>): void;
  /** Answers with a status and an error. */
  refuse(status: number, error: string): void;
}

export interface ScriptedHost {
  digest: string;
  isUp: boolean;
  isLoaded: boolean;
}

export class ScriptedOllama {
  /** Questions without an answer yet, oldest first. */
  readonly questions: ScriptedQuestion[] = [];
  readonly hosts = new Map<string, ScriptedHost>();
  asked = 0;
  /** Answers to warm-up and other questions at once while it is set. */
  atOnce: Record<string, number> | null = null;

  host(url: string): ScriptedHost {
    const host = { digest: "a".repeat(64), isUp: true, isLoaded: false };
    this.hosts.set(url, host);
    return host;
  }

  readonly fetch: Fetch = async (url, init) => {
    const { origin, pathname } = new URL(url);
    const host = this.hosts.get(origin);
    if (host === undefined || !host.isUp) {
      throw Object.assign(new TypeError("Unable to connect"), { code: "ECONNREFUSED" });
    }
    if (pathname === "/") return new Response("Ollama is running");
    if (pathname === "/api/version") return Response.json({ version: "0.33.0" });
    const model = { name: "llama3.2:3b", model: "llama3.2:3b", digest: host.digest };
    const running = { ...model, size: 100, size_vram: 100, context_length: 1024 };
    if (pathname === "/api/tags") return Response.json({ models: [model] });
    if (pathname === "/api/ps") return Response.json({ models: host.isLoaded ? [running] : [] });
    const body = JSON.parse(String(init.body)) as { model: string; prompt?: string };
    if (body.prompt === undefined) {
      host.isLoaded = true;
      return Response.json({ model: body.model, response: "", done: true, done_reason: "load" });
    }
    return this.#ask(origin, body.prompt, init.signal ?? null);
  };

  /** The oldest question, which must be there. */
  get next(): ScriptedQuestion {
    const question = this.questions[0];
    if (question === undefined) throw new Error("no question waits");
    return question;
  }

  #ask(host: string, prompt: string, signal: AbortSignal | null): Promise<Response> {
    this.asked++;
    if (this.atOnce !== null) return Promise.resolve(reply(this.atOnce));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = this.questions.indexOf(question);
        if (at >= 0) this.questions.splice(at, 1);
      };
      const question: ScriptedQuestion = {
        host,
        prompt,
        isAborted: false,
        answer: (tokens = { BUY: 0.8, HOLD: 0.2 }) => {
          leave();
          resolve(reply(tokens));
        },
        refuse: (status, error) => {
          leave();
          resolve(Response.json({ error }, { status }));
        },
      };
      signal?.addEventListener("abort", () => {
        question.isAborted = true;
        leave();
        reject(new DOMException("aborted", "AbortError"));
      });
      this.questions.push(question);
    });
  }
}

function reply(tokens: Record<string, number>): Response {
  const top = Object.entries(tokens).map(([token, p]) => ({ token, logprob: Math.log(p) }));
  return Response.json({
    response: top[0]!.token,
    done: true,
    total_duration: 5_000_000,
    prompt_eval_duration: 4_000_000,
    prompt_eval_count: 90,
    eval_count: 1,
    logprobs: [{ ...top[0], top_logprobs: top }],
  });
}
