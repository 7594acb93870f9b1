/** `hftedge top` beside a real run: what the one says, the other shows. */
import { describe, expect, test } from "bun:test";
import { start } from "../support/binary.ts";
import { TopTerminal } from "../support/top-terminal.ts";

describe("beside a run", () => {
  test("shows its latencies and signals, and its end", async () => {
    await using running = start([
      "run",
      "--demo",
      "--inference-engine",
      "rules",
      "--http-listen",
      "127.0.0.1:0",
      "--log-format",
      "text",
    ]);
    const [, address = ""] = await running.until("stderr", /http on http:\/\/(\S+)/);
    const top = new TopTerminal(["--url", address]);
    const text = await top.shows(
      (screen) => /total_pipeline\.cached +[1-9]/.test(screen) && / (BUY|SELL) +\d/.test(screen),
    );
    expect(text).toContain(`${address}  ready`);
    expect(text).toMatch(/feed +[\d,]+ datagrams\/s/);
    expect(text).toMatch(/inference +rules/);
    expect(text).toMatch(/network_latency/);
    expect(text).not.toMatch(/NaN|undefined/);

    running.signal("SIGTERM");
    await top.shows((screen) => screen.includes("DISCONNECTED"));
    top.type("q");
    expect(await top.ended()).toBe(0);
    expect(top.screen.overflowed).toBe(false);
  });
});
