/** Sends ticks as fast as the socket takes them: `bun flood.ts PORT SECONDS`. Stops by itself. */
import { openTestSender } from "./sender.ts";
import { walkingTick } from "./tick.ts";

const [port, seconds] = process.argv.slice(2).map(Number);
const socket = await openTestSender(port!);
const ticks = Array.from({ length: 64 }, (_, i) => walkingTick(`S${i % 8}`, i));
const endMs = performance.now() + seconds! * 1000;
for (let i = 0; performance.now() < endMs; i++) {
  socket.send(ticks[i % ticks.length]!);
  if (i % 4096 === 0) await Bun.sleep(0);
}
socket.close();
