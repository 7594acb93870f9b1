/** A compiled run with its HTTP API, fed with ticks, for tests of what it answers. */
import { type RunningEdge, startRun } from "./hftedge-run.ts";
import { openTestSender } from "./sender.ts";
import { until } from "./until.ts";

export interface RunningApi extends AsyncDisposable {
  edge: RunningEdge;
  /** http://127.0.0.1:PORT */
  url: string;
  port: number;
  get(path: string, init?: RequestInit): Promise<Response>;
  json<T = Record<string, unknown>>(path: string, init?: RequestInit): Promise<T>;
}

export async function startApi(args: string[] = []): Promise<RunningApi> {
  // A datagram that a busy machine reads late would leave its symbol without a state, and so would
  // the silence after the last one.
  const feed = "udp://127.0.0.1:0?timestampUnit=ms&ack=true&silenceMs=3600000";
  const edge = await startRun(feed, ["--signal-max-age-ms=60000", ...args]);
  const [, port] = await edge.running.until("stderr", /http on http:\/\/\S+:(\d+)/);
  const url = `http://127.0.0.1:${port}`;
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(url + path, init);
  return {
    edge,
    url,
    port: Number(port),
    get,
    json: async <T>(path: string, init?: RequestInit) =>
      (await (await get(path, init)).json()) as T,
    [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose](),
  };
}

/** Datagrams under way to a feed; any receive buffer holds more. */
const underWayMax = 200;

/**
 * Sends ticks of the symbols, with buying and selling pressure by turns, until the condition holds;
 * every one of them has been read by the feed then.
 */
export async function feedUntil(
  { edge }: RunningApi,
  symbols: readonly string[],
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const socket = await openTestSender(edge.ports[0]!);
  let turn = 0;
  let sent = 0;
  let isMet = false;
  let isLooking = false;
  let failure: unknown;
  await until(() => {
    const isFull = sent - socket.acknowledged > underWayMax;
    for (const symbol of isFull ? [] : symbols) {
      const heavy = turn % 40 >= 20;
      const price = 100 + Math.abs((turn % 40) - 20) / 10;
      const [bid, ask] = [price, price + 0.01];
      const [bidSize, askSize] = heavy ? [900, 100] : [100, 900];
      const timestamp = Date.now();
      socket.send(
        JSON.stringify({ symbol, timestamp, price, volume: 100, bid, ask, bidSize, askSize }),
      );
      sent++;
    }
    turn++;
    // Not with every turn: the API has a limit on questions.
    if (!isLooking && turn % 100 === 0) {
      isLooking = true;
      void Promise.resolve(condition()).then(
        (met) => {
          isMet = met;
          isLooking = false;
        },
        (error: unknown) => {
          failure = error;
        },
      );
    }
    if (failure !== undefined) throw failure;
    return isMet;
  });
  await until(() => socket.acknowledged === sent);
  socket.close();
}
