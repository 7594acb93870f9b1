/** On the real kernel, in a network namespace with a veth pair and a mount namespace of its own. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const child = join(import.meta.dir, "support/namespace-child.ts");

/** /etc and /var/lib are in memory there, and /sys shows the namespace's own interfaces. */
const prepare = [
  "set -e",
  "mount --make-rprivate /",
  "mount -t sysfs sysfs /sys",
  "mkdir -p /etc/sysctl.d /etc/systemd/system",
  "mount -t tmpfs tmpfs /etc/sysctl.d",
  "mount -t tmpfs tmpfs /etc/systemd/system",
  "mount -t tmpfs tmpfs /var/lib",
  "ip link set lo up",
  "ip link add feed0 type veth peer name peer0",
  "ip link add wide0 type veth peer name wide1",
  "ip addr add 192.0.2.2/24 dev wide0",
  "for i in feed0 peer0 wide0 wide1; do ip link set $i up; done",
  "ip route add default via 192.0.2.1",
];

function inNamespace(script: string): { code: number; stdout: string; stderr: string } {
  const result = Bun.spawnSync(["unshare", "-n", "-m", "--", "sh", "-c", script], {
    stdin: "ignore",
    timeout: 30_000,
  });
  const { exitCode, stdout, stderr } = result;
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function whyNot(): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  for (const tool of ["unshare", "ip", "mount"]) {
    if (Bun.which(tool, { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) === null) {
      return `needs ${tool}`;
    }
  }
  const { code, stderr } = inNamespace(prepare.join("\n"));
  return code === 0 ? null : `namespaces are not permitted: ${stderr.trim().split("\n")[0]}`;
}

const why = whyNot();
const ethtool = Bun.which("ethtool", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) !== null;

interface Seen {
  values: (string | null)[];
  gro: string | null;
}
interface Report {
  before: Seen;
  after: Seen;
  restored: Seen;
  states: Record<string, string>;
  outcomes: Record<string, string>;
  failed: boolean;
  code: number;
  drifted: { code: number; ids: string[] };
  reverted: unknown;
}

describe("in a namespace with a veth pair", () => {
  test.skipIf(why !== null)(`applies, drifts and reverts${why === null ? "" : ` (${why})`}`, () => {
    const { code, stdout, stderr } = inNamespace(
      [...prepare, `exec ${process.execPath} ${child}`].join("\n"),
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.failed).toBe(false);
    expect(Object.values(report.outcomes).filter((outcome) => outcome !== "applied")).toEqual([]);

    // all was 2: the feed's interface loses its filter, the other one keeps its strictness.
    expect(report.before.values.slice(0, 1)).toEqual(["2"]);
    expect(report.after.values.slice(0, 6)).toEqual(["0", "0", "2", "39", "39", "0"]);
    expect(report.code).toBe(0);
    expect(report.drifted).toEqual({ code: 2, ids: ["sysctl.net.ipv4.igmp_max_memberships"] });
    expect(report.reverted).toBe("whole");
    expect(report.restored).toEqual(report.before);

    if (ethtool) {
      expect(report.before.gro).toBe("on");
      expect(report.after.gro).toBe("off");
      // What a veth cannot do is not applicable, whatever exit code ethtool has for it.
      expect(report.states["nic.adaptive-rx:feed0"]).toStartWith("not applicable");
      expect(report.states["nic.pause-rx:feed0"]).toStartWith("not applicable");
    } else {
      expect(report.states["nic.gro:feed0"]).toBe("not applicable ethtool is not installed");
    }
  });
});
