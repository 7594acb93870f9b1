/** Ticks of a tick feed, and a market that moves enough to be decided on. */
import { openTestSender } from "./sender.ts";
import { until } from "./until.ts";

/** One tick as the wire carries it. */
export function tick(symbol: string, bidSize: number, askSize: number, price = 100): string {
  const [bid, ask] = [price, price + 0.01];
  const timestamp = Date.now();
  return JSON.stringify({ symbol, timestamp, price, volume: 100, bid, ask, bidSize, askSize });
}

/** Sends ticks that rise under buying pressure and fall under selling until the condition holds. */
export async function tickUntil(
  port: number,
  symbol: string,
  condition: () => boolean,
): Promise<void> {
  const socket = await openTestSender(port);
  let turn = 0;
  await until(() => {
    const heavy = turn++ % 40 >= 20;
    const price = 100 + Math.abs((turn % 40) - 20) / 10;
    socket.send(tick(symbol, heavy ? 900 : 100, heavy ? 100 : 900, price));
    return condition();
  }, 15_000);
  socket.close();
}
