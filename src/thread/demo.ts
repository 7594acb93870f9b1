/** The synthetic market's thread: sends until it is told to stop, and says what it sent. */
import { startDemo } from "../demo/send.ts";

declare const self: Worker;

export interface DemoStart {
  port: number;
  seed: number;
  /** Datagrams a second. */
  rate: number;
  /** One word; anything but 0 stops it. */
  stop: SharedArrayBuffer;
}

self.addEventListener("message", ({ data }: MessageEvent<DemoStart>) => {
  const { port, seed, rate } = data;
  const stop = new Int32Array(data.stop);
  startDemo({ port, seed, rate, durationMs: 0, stop })
    .then((result) => self.postMessage(result))
    .catch((error: unknown) => self.postMessage({ error: String(error) }));
});
