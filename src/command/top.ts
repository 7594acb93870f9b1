/** `hftedge top`: the essentials of a run, live in a terminal, over its HTTP stream. */
import { Command } from "commander";
import { accepted, parseHostPort } from "../config/address.ts";
import { EdgeError } from "../error.ts";
import { tokenOf } from "../thread/ops-token.ts";
import { followStream } from "../web/event-stream.ts";
import { serviceUrl } from "./argument.ts";
import { addConfigOptions, loadFromCommand } from "./config-option.ts";
import { print, printJson, printLine } from "./output.ts";
import { connecting } from "./top-line.ts";
import { TopNews } from "./top-news.ts";
import { redrawMs, TopSession, troubleOf } from "./top-session.ts";
import { renderTop, renderTopPlain } from "./top-view.ts";

interface TopFlags {
  url?: string;
  once?: boolean;
  json?: boolean;
}

/** The server sends a heartbeat more often than this. */
const silenceMs = 20_000;
const plainMs = 1000;
const onceTimeoutMs = 5000;

interface Target {
  url: string;
  address: string;
  token: string;
}

/** An address that means "every interface" is reached through loopback. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function targetOf(command: Command, flags: TopFlags): Target {
  const { http } = loadFromCommand(command).config;
  const token = tokenOf(http);
  if (flags.url !== undefined) {
    return { url: flags.url, address: new URL(flags.url).host, token };
  }
  if (http.listen === "") {
    throw new EdgeError(
      "HTTP_OFF",
      "http.listen is empty, so a run serves nothing to look at",
      "Set it, e.g. HFTEDGE_HTTP_LISTEN=127.0.0.1:8080, or name a run: hftedge top --url HOST:PORT",
    );
  }
  const { host, port } = accepted(parseHostPort(http.listen));
  return { url: `http://${reachable(host)}:${port}`, address: `${host}:${port}`, token };
}

/** A stop that signals and the view share; the listeners are gone when `done` settles. */
async function untilStopped(work: (stop: AbortController) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, abort);
  try {
    await work(stop);
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}

async function showFullScreen(target: Target, colour: boolean): Promise<void> {
  await untilStopped(async (stop) => {
    const view = new TopSession(target.address, colour, stop);
    view.open();
    const timer = setInterval(() => view.tick(), redrawMs / 4);
    try {
      await followStream({
        url: `${target.url}/api/v1/stream`,
        token: target.token,
        silenceMs,
        signal: stop.signal,
        onEvent: (event) => view.take(event),
        onState: (state) => {
          view.state = state;
        },
      });
    } finally {
      clearInterval(timer);
      view.close();
    }
  });
}

/** Where there is no terminal: a line a second. */
async function showLines(target: Target): Promise<void> {
  await untilStopped(async (stop) => {
    const news = new TopNews();
    let trouble = connecting;
    const timer = setInterval(() => printLine(renderTopPlain(news.model(), trouble)), plainMs);
    try {
      await followStream({
        url: `${target.url}/api/v1/stream`,
        token: target.token,
        silenceMs,
        signal: stop.signal,
        onEvent: (event) => news.take(event, Date.now()),
        onState: (state) => {
          if (state.kind !== "connecting") trouble = troubleOf(state);
        },
      });
    } finally {
      clearInterval(timer);
    }
  });
}

/** One look: the first complete news, as a frame or as JSON. */
async function showOnce(target: Target, json: boolean): Promise<void> {
  await untilStopped(async (stop) => {
    const news = new TopNews();
    let trouble = `nothing came for ${onceTimeoutMs} ms`;
    const timer = setTimeout(() => stop.abort(), onceTimeoutMs);
    await followStream({
      url: `${target.url}/api/v1/stream`,
      token: target.token,
      silenceMs,
      signal: stop.signal,
      onEvent: (event) => {
        news.take(event, Date.now());
        if (news.complete) stop.abort();
      },
      onState: (state) => {
        if (state.kind !== "lost") return;
        trouble = state.reason;
        stop.abort();
      },
    });
    clearTimeout(timer);
    if (!news.complete) {
      throw new EdgeError(
        "RUN_UNREACHABLE",
        `no run can be looked at on ${target.address}: ${trouble}`,
        "Start one with hftedge run, or name its address: hftedge top --url HOST:PORT",
      );
    }
    const model = news.model();
    if (json) return printJson(model);
    const frame = renderTop(model, {
      columns: process.stdout.columns || 100,
      // Room for whatever may be above and between the tables; what is left is cut off below.
      lines: model.stages.length + model.signals.length + 40,
      colour: false,
      sort: "symbol",
      offset: 0,
      paused: false,
      help: false,
      address: target.address,
      trouble: "",
      nowMs: Date.now(),
    });
    // The line of keys means nothing here.
    print(`${frame.lines.slice(0, -1).join("\n").trimEnd()}\n`);
  });
}

export function topCommand(): Command {
  const command = new Command("top")
    .description(
      "Shows a run live in the terminal: latencies, feed, table, model, alerts, signals.",
    )
    .option(
      "--url <address>",
      "the run's HTTP address; by default the configured http.listen",
      serviceUrl,
    )
    .option("--once", "print what there is to see once, and end")
    .option("--json", "print JSON, once")
    .action(async (flags: TopFlags) => {
      const target = targetOf(command, flags);
      const { NO_COLOR, TERM } = process.env;
      if (flags.once === true || flags.json === true) {
        await showOnce(target, flags.json === true);
      } else if (process.stdout.isTTY && TERM !== "dumb") {
        await showFullScreen(target, (NO_COLOR ?? "") === "");
      } else {
        await showLines(target);
      }
    });
  return addConfigOptions(command, ["http"]);
}
