/** The network card that the feed comes in by. */
import { join } from "node:path";
import { type Fault, promise } from "../fault.ts";

/** Why no namespace with an interface of our own can be had here. */
function refusal(): string | undefined {
  if (Bun.which("unshare") === null || Bun.which("ip") === null) return "needs unshare and ip";
  const tried = Bun.spawnSync("unshare -rn ip link add feed0 type veth peer name wire0".split(" "));
  return tried.success ? undefined : "needs the permission to make a network namespace";
}

export const networkFaults: readonly Fault[] = [
  {
    name: "the feed's interface goes down",
    injected:
      "a multicast feed on an interface of a network namespace of its own, set down, then up",
    promised: "HOLD within silenceMs, /readyz says so; goes on when it is up",
    skip: refusal(),
    async provoke() {
      const command = [process.execPath, join(import.meta.dir, "../interface-child.ts")];
      const child = Bun.spawn(["unshare", "-rn", ...command], { stdout: "pipe", stderr: "pipe" });
      const [seen, words] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      promise((await child.exited) === 0, words.slice(-1500));
      return seen.trim();
    },
  },
];
