/** Ticks of a tick feed, and a market that moves enough to be decided on. */
import { openTestSender } from "./sender.ts";
import { until } from "./until.ts";

/** One tick as the wire carries it. */
export function tick(symbol: string, bidSize: number, askSize: number, price = 100): string {
  const [bid, ask] = [price, price + 0.01];
  const timestamp = Date.now();
  return JSON.stringify({ symbol, timestamp, price, volume: 100, bid, ask, bidSize, askSize });
}

/** The tick of a market that walks and changes sides; it comes back after 64 steps. */
export function walkingTick(symbol: string, step: number): string {
  const price = 100 + Math.abs((step % 64) - 32) / 20;
  const heavy = step % 16 < 8;
  return JSON.stringify({
    symbol,
    timestamp: Date.now(),
    price,
    volume: 100,
    bid: price - 0.01,
    ask: price + 0.01,
    bidSize: heavy ? 900 : 100,
    askSize: heavy ? 100 : 900,
  });
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
  });
  socket.close();
}

/**
 * The tick of a market that stands still: most of its size is bid, and trades are made at the ask.
 * Every one of them means BUY, so what is still on its way when BUY was seen changes nothing.
 */
export function buyingTick(symbol: string): string {
  const [timestamp, quote] = [Date.now(), { bid: 100, ask: 100.01, bidSize: 900, askSize: 100 }];
  return JSON.stringify({ symbol, timestamp, price: quote.ask, volume: 100, ...quote });
}

/** Sends ticks that mean BUY until the condition holds. */
export async function buyUntil(
  port: number,
  symbol: string,
  condition: () => boolean,
): Promise<void> {
  const socket = await openTestSender(port);
  await until(() => {
    socket.send(buyingTick(symbol));
    return condition();
  });
  socket.close();
}
