/** Where something is missing it is not applicable, and nothing fails. */
import { describe, expect, test } from "bun:test";
import { makePlan, type PlanRequest } from "../../src/tune/plan.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";
import { applied, itemOf, reverted, status } from "./support/run.ts";

const sshConnection =
  "  sl  local_address rem_address   st\n" +
  "   0: 0201000A:0016 0101000A:D2F0 01 00000000:00000000\n";

describe("not applicable", () => {
  test("inAContainerOnlyItsOwnNetworkIsTuned", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.virtualisation = "docker";
    });
    const before = snapshot(server.root);
    const report = await applied(machine, { profile: "aggressive" });
    expect(report.failed).toBe(false);
    const written = new Set(report.results.map(({ id }) => id.split(":")[0]!));
    expect([...written].filter((id) => !/^nic\.|^sysctl\.net\.ipv4\./.test(id))).toEqual([]);
    expect(itemOf(report.plan, "memory.swappiness").reason).toContain("container");
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("inAVirtualMachineWithoutFrequencyKnobsNothingFails", async () => {
    const knobs = Array.from({ length: 8 }, (_, i) => [
      [`/sys/devices/system/cpu/cpufreq/policy${i}/scaling_governor`, null],
      [`/sys/devices/system/cpu/cpufreq/policy${i}/energy_performance_preference`, null],
    ]).flat() as [string, null][];
    using server = fakeServer(Object.fromEntries(knobs));
    server.machine.put(
      "/sys/devices/system/clocksource/clocksource0/current_clocksource",
      "kvm-clock\n",
    );
    server.machine.alter((state) => {
      state.virtualisation = "kvm";
      state.gpus = [];
    });
    const report = await applied(server.machine);
    expect(report.failed).toBe(false);
    expect(report.plan.machine.surroundings).toBe("virtual machine");
    expect(itemOf(report.plan, "cpu.governor").state).toBe("not applicable");
    // Read in user space, through a page that the hypervisor shares.
    expect(itemOf(report.plan, "clock.source")).toMatchObject({ state: "seen", live: "kvm-clock" });
    expect(itemOf(report.plan, "gpu.persistenced").reason).toContain("no NVIDIA GPU");
    expect(status(server.machine).drift).toEqual([]);
  });

  test("withoutSystemdFilesOfUnitsAreNotWritten", async () => {
    using server = fakeServer({ "/run/systemd/system": null });
    const { machine } = server;
    const report = await applied(machine);
    expect(report.failed).toBe(false);
    expect(report.plan.files.map(({ path }) => path)).toEqual(["/etc/sysctl.d/99-zz-hftedge.conf"]);
    expect(report.plan.notes.join()).toContain("systemd does not run here");
    expect(machine.commands.filter((line) => line.startsWith("systemctl"))).toEqual([]);
  });

  test("onArm64ArgumentsOfX86AreLeftOut", () => {
    using server = fakeServer({ "/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\n" });
    const { machine } = server;
    machine.fakeArch = "arm64";
    const ids = ["kernel.processor.max_cstate", "kernel.intel_idle.max_cstate"];
    const plan = makePlan(machine, request({ with: ids }));
    for (const id of ids) expect(itemOf(plan, id).state).toBe("not applicable");
    expect(itemOf(plan, "clock.source").state).toBe("seen");
  });

  test("onAnEmptyRootEverythingIsNotApplicable", () => {
    using server = fakeServer();
    const kernel = Object.keys(snapshot(server.root)).filter((path) =>
      /^\/(?:proc|sys)\//.test(path),
    );
    using empty = fakeServer({
      ...Object.fromEntries(kernel.map((path) => [path, null])),
      "/run/systemd/system": null,
    });
    empty.machine.makeDirectory("/proc");
    empty.machine.remove("/usr/sbin/update-grub");
    empty.machine.alter((state) => {
      state.gpus = [];
      state.virtualisation = "";
    });
    const plan = makePlan(empty.machine, request({ profile: "aggressive" }));
    expect(plan.items.filter(({ state }) => state === "change")).toEqual([]);
    expect(plan.files).toEqual([]);
  });
});

const planned = (change: Partial<PlanRequest>, id: string, ssh = "") => {
  using server = fakeServer(ssh === "" ? {} : { "/proc/net/tcp": ssh });
  return itemOf(makePlan(server.machine, request(change)), id);
};

describe("refused without --force", () => {
  test("resettingTheInterfaceOfTheDefaultRoute", () => {
    const roles = { feedInterfaces: ["eth0"] };
    expect(planned({ roles }, "nic.lro:eth0")).toMatchObject({
      state: "refused",
      reason: "may reset eth0, which carries the default route; --force does it all the same",
    });
    expect(planned({ roles, force: true }, "nic.lro:eth0").state).toBe("change");
    expect(planned({ roles }, "nic.adaptive-rx:eth0").state).toBe("change");
  });

  test("resettingTheInterfaceOfAnSshSessionThatSudoHid", () => {
    const item = planned({}, "nic.lro:eth1", sshConnection);
    expect(item.state).toBe("refused");
    expect(item.reason).toContain("carries an SSH session");
  });

  test.each([
    // A server that systemd starts by its socket: IPv4 mapped into IPv6.
    ["0000000000000000FFFF00000201000A:0016 0000000000000000FFFF00000101000A:D2F0 01", "tcp6"],
    ["B80D0120000000000000000002000000:0016 B80D0120000000000000000001000000:D2F0 01", "tcp6"],
  ])("resettingTheInterfaceOfAnSshSessionOverIpv6 %s", (row, file) => {
    using server = fakeServer({ [`/proc/net/${file}`]: `  sl  local_address\n   0: ${row} 0:0\n` });
    server.machine.alter((state) => {
      if (row.startsWith("B80D")) state.addresses["eth1"] = "2001:db8::2";
    });
    const item = itemOf(makePlan(server.machine, request()), "nic.lro:eth1");
    expect(item.state).toBe("refused");
  });

  test("resettingTheInterfaceOfOurOwnSessionOnAnyPortBehindSudo", () => {
    using server = fakeServer({
      [`/proc/${process.pid}/status`]: "Name:\thftedge\nPPid:\t4000000\n",
      "/proc/4000000/status": "Name:\tsudo\nPPid:\t1\n",
      "/proc/4000000/environ": "TERM=xterm\0SSH_CONNECTION=10.0.1.1 54000 10.0.1.2 2222\0",
    });
    const item = itemOf(makePlan(server.machine, request()), "nic.lro:eth1");
    expect(item.reason).toContain("carries an SSH session");
  });

  test("resettingAPortOfTheBondThatCarriesTheDefaultRoute", () => {
    using server = fakeServer({
      "/proc/net/route": "Iface\nbond0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
      "/sys/class/net/bond0/operstate": "up\n",
      "/sys/class/net/bond0/lower_eth0": "",
    });
    const plan = makePlan(server.machine, request());
    expect(plan.machine.roles.feedInterfaces).toEqual(["eth1"]);
    const wanted = request({ roles: { feedInterfaces: ["eth0"] } });
    expect(itemOf(makePlan(server.machine, wanted), "nic.lro:eth0").reason).toContain(
      "carries the default route",
    );
  });

  test("switchingOffTheSpoofingFilterOfTheDefaultRoute", () => {
    using server = fakeServer({ "/proc/sys/net/ipv4/conf/eth0/rp_filter": "1\n" });
    const wanted = request({ roles: { feedInterfaces: ["eth0"] } });
    expect(itemOf(makePlan(server.machine, wanted), "nic.rp_filter:eth0").state).toBe("refused");
  });

  test.each([
    [{ feedCpus: [0, 1] }, "CPU 0 cannot be a feed CPU"],
    [{ feedCpus: [1, 2, 3, 4, 5, 6, 7], housekeepingCpus: [] }, "no CPU is left"],
    [{ feedCpus: [3], housekeepingCpus: [0, 3] }, "both a feed and a housekeeping CPU"],
    [{ feedCpus: [9] }, "CPU 9 is not online"],
    [{ feedInterfaces: ["eth9"] }, "there is no interface eth9"],
    [{ gpus: ["GPU-0"] }, "there is no GPU GPU-0"],
  ])("roles %j", (roles, words) => {
    using server = fakeServer();
    expect(() => makePlan(server.machine, request({ roles }))).toThrow(words);
  });
});

describe("roles", () => {
  test("areFoundAsTheInterfaceWithoutTheDefaultRouteAndTheLastCore", () => {
    using server = fakeServer();
    const { roles } = makePlan(server.machine, request()).machine;
    expect(roles).toMatchObject({
      feedInterfaces: ["eth1"],
      feedCpus: [3, 7],
      housekeepingCpus: [0, 1, 2, 4, 5, 6],
    });
  });

  test("followTheKernelsIsolatedCpus", () => {
    using server = fakeServer({ "/sys/devices/system/cpu/isolated": "5-6\n" });
    expect(makePlan(server.machine, request()).machine.roles.feedCpus).toEqual([5, 6]);
  });

  test("setNoCpuApartOnASmallMachine", () => {
    using server = fakeServer({ "/sys/devices/system/cpu/online": "0-1\n" });
    const plan = makePlan(server.machine, request({ profile: "aggressive" }));
    expect(plan.machine.roles.feedCpus).toEqual([]);
    expect(itemOf(plan, "kernel.isolcpus").state).toBe("not applicable");
    expect(itemOf(plan, "irq.feed:eth1").state).toBe("not applicable");
  });
});
