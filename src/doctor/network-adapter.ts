/** What the adapter counts by itself, through `ethtool -S`. Names differ by driver; kinds do not. */
import { parseEthtoolStatistics } from "../host/net-stat.ts";
import type { ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";

const toolTimeoutMs = 1000;
/** Receive-side loss; transmit counters do not cost market data. */
const lossName = /drop|miss|err|discard|no_buf|no_desc|out_of_buffer|overrun|overflow|crc/i;
const transmitName = /(^|[^a-z])tx[_0-9]|transmit/i;
const namesShown = 4;

export async function adapterCounters(context: ProbeContext, name: string): Promise<Outcome> {
  const output = await context.runTool(["ethtool", "-S", name], toolTimeoutMs);
  if (output === undefined) {
    return notApplicable("network.adapter", "ethtool is not installed or does not answer", name);
  }
  if (output.code !== 0) {
    return notApplicable("network.adapter", "the driver keeps no counters of its own", name);
  }
  const counters = parseEthtoolStatistics(output.stdout);
  const lost = [...counters]
    .filter(([key, count]) => count > 0 && lossName.test(key) && !transmitName.test(key))
    .toSorted((a, b) => b[1] - a[1]);
  const pauses = [...counters]
    .filter(([key]) => /pause|xoff/i.test(key) && !/tx/i.test(key))
    .reduce((sum, [, count]) => sum + count, 0);
  const shown = lost.slice(0, namesShown).map(([key, count]) => `${key} ${count}`);
  const more = lost.length > namesShown ? ` and ${lost.length - namesShown} more` : "";
  return finding(
    "network.adapter",
    lost.length > 0 || pauses > 0 ? "note" : "ok",
    lost.length > 0
      ? `Since the driver was loaded: ${shown.join(", ")}${more}; ${pauses} pause frames received.`
      : `Of ${counters.size} counters none shows a loss; ${pauses} pause frames received.`,
    { lossCounters: lost.length, largestLoss: lost[0]?.[1] ?? 0, pauseFrames: pauses },
    name,
  );
}
