/** Sends ticks as fast as the socket takes them: `bun flood.ts PORT SECONDS`. Stops by itself. */
import { openTestSender } from "./sender.ts";

const [port, seconds] = process.argv.slice(2).map(Number);
const socket = await openTestSender(port!);
const ticks = Array.from({ length: 64 }, (_, i) => {
  const heavy = i % 16 < 8;
  const price = 100 + Math.abs(i - 32) / 20;
  return JSON.stringify({
    symbol: `S${i % 8}`,
    timestamp: Date.now(),
    price,
    volume: 100,
    bid: price - 0.01,
    ask: price + 0.01,
    bidSize: heavy ? 900 : 100,
    askSize: heavy ? 100 : 900,
  });
});
const endMs = performance.now() + seconds! * 1000;
for (let i = 0; performance.now() < endMs; i++) {
  socket.send(ticks[i % ticks.length]!);
  if (i % 4096 === 0) await Bun.sleep(0);
}
socket.close();
