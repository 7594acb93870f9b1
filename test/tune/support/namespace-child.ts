/**
 * Runs inside a network and mount namespace of its own: applies, checks, drifts and reverts what such
 * a namespace really lets be written, on a real kernel. Everything else is left out by id.
 */
import { Host } from "../../../src/host/host.ts";
import { apply } from "../../../src/tune/apply.ts";
import { catalogue } from "../../../src/tune/catalogue.ts";
import { makePlan } from "../../../src/tune/plan.ts";
import { revert } from "../../../src/tune/revert.ts";
import { statusCode, statusOf } from "../../../src/tune/status.ts";
import { request } from "./fake-server.ts";

const ids = [
  "sysctl.net.ipv4.igmp_max_memberships",
  "sysctl.net.ipv4.igmp_max_msf",
  "nic.gro",
  "nic.lro",
  "nic.adaptive-rx",
  "nic.pause-rx",
  "nic.napi_defer_hard_irqs",
  "nic.gro_flush_timeout",
  "nic.rps",
  "nic.rp_filter",
];
const wanted = request({
  profile: "aggressive",
  roles: { feedInterfaces: ["feed0"] },
  without: catalogue.map(({ id }) => id).filter((id) => !ids.includes(id)),
  program: [],
});
const host = new Host();
const conf = "/proc/sys/net/ipv4/conf";
const watched = [
  `${conf}/all/rp_filter`,
  `${conf}/feed0/rp_filter`,
  `${conf}/wide0/rp_filter`,
  "/proc/sys/net/ipv4/igmp_max_memberships",
  "/proc/sys/net/ipv4/igmp_max_msf",
  "/sys/class/net/feed0/gro_flush_timeout",
  "/sys/class/net/feed0/napi_defer_hard_irqs",
  "/sys/class/net/feed0/queues/rx-0/rps_cpus",
];
const look = () => ({
  values: watched.map((path) => host.read(path)?.trim() ?? null),
  gro:
    /generic-receive-offload: (\w+)/.exec(host.run(["ethtool", "-k", "feed0"]).stdout)?.[1] ?? null,
});

host.writeValue(`${conf}/all/rp_filter`, "2");
host.writeValue("/sys/class/net/feed0/gro_flush_timeout", "20000");
host.run(["ethtool", "-K", "feed0", "gro", "on"]);
const before = look();
const plan = makePlan(host, wanted);
const report = await apply(host, wanted, { restart: false, confirmByMs: null });
const after = look();
const code = statusCode(statusOf(host, null, wanted));
host.writeValue("/proc/sys/net/ipv4/igmp_max_memberships", "20");
const drifted = statusOf(host, null, wanted);
host.writeValue("/proc/sys/net/ipv4/igmp_max_memberships", "39");
const taken = await revert(host, { restart: false, force: false });

process.stdout.write(
  JSON.stringify({
    before,
    after,
    restored: look(),
    states: Object.fromEntries(
      plan.items.map(({ id, state, reason }) => [id, `${state} ${reason ?? ""}`]),
    ),
    outcomes: Object.fromEntries(report.results.map(({ key, outcome }) => [key, outcome])),
    failed: report.failed,
    code,
    drifted: { code: statusCode(drifted), ids: drifted.drift.map(({ id }) => id) },
    reverted: taken.failed ? taken.results : "whole",
  }),
);
