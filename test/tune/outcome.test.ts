/** What the kernel, a driver or somebody else makes of a write is reported as what it is. */
import { describe, expect, test } from "bun:test";
import { makePlan } from "../../src/tune/plan.ts";
import { statusCode } from "../../src/tune/status.ts";
import { fakeServer, gpuUuid, request, snapshot } from "./support/fake-server.ts";
import { applied, itemOf, reverted, status, writeOf } from "./support/run.ts";

const rmemMax = "/proc/sys/net/core/rmem_max";

describe("clamped", () => {
  test("aBufferThatTheKernelCutsIsNotCalledApplied", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.clamps[rmemMax] = 4_194_304;
    });
    const before = snapshot(server.root);
    const report = await applied(machine);
    expect(writeOf(report, "sysctl.net.core.rmem_max")).toMatchObject({
      outcome: "clamped",
      accepted: "4194304",
      reason: "asked for 33554432, and it became 4194304",
    });
    expect(report.failed).toBe(false);

    const after = status(machine);
    expect(after.drift).toEqual([]);
    expect(after.limited.map(({ id }) => id)).toEqual(["sysctl.net.core.rmem_max"]);
    expect((await applied(machine)).results).toEqual([]);
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });
});

describe("rejected", () => {
  test("aCoalesceKeyThatTheDriverRefusesLeavesTheOthersApplied", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.ethtoolRefuses["eth1:coalesce:rx-usecs"] = "Invalid argument";
    });
    const report = await applied(server.machine);
    expect(writeOf(report, "nic.rx-usecs:eth1")).toMatchObject({
      outcome: "rejected",
      accepted: "3",
      reason: "ethtool -C eth1 rx-usecs 1: netlink error: Invalid argument",
    });
    expect(writeOf(report, "nic.adaptive-rx:eth1").outcome).toBe("applied");
    // A limit of the card is no failure: `tune && run` must go on.
    expect(report.failed).toBe(false);
    expect(status(server.machine).drift).toEqual([]);
  });

  test("pauseFramesThatStayOnAfterASuccessfulCallAreSeen", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.ethtoolIgnores.push("eth1:pause:rx");
    });
    const report = await applied(server.machine, { profile: "aggressive" });
    expect(writeOf(report, "nic.pause-rx:eth1")).toMatchObject({
      outcome: "rejected",
      reason: "the write was accepted, and it still is on",
    });
    expect(writeOf(report, "nic.pause-tx:eth1").outcome).toBe("applied");
  });

  test("aKeyThatALaterOneChangedIsWrittenOnceMore", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.pauseFlips = true;
    });
    const report = await applied(machine, { profile: "aggressive" });
    expect(writeOf(report, "nic.pause-rx:eth1")).toMatchObject({
      outcome: "applied",
      before: "on",
    });
    expect(machine.state.ethtool["eth1"]!["pause"]).toEqual({
      autoneg: "off",
      rx: "off",
      tx: "off",
    });
    expect(status(machine).drift).toEqual([]);
  });

  test("aSysctlOfOursThatTheKernelRefusesIsAFailure", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.refuses["/proc/sys/vm/swappiness"] = "EINVAL";
    });
    const report = await applied(server.machine);
    expect(writeOf(report, "memory.swappiness")).toMatchObject({
      outcome: "rejected",
      reason: "the kernel refused it for /proc/sys/vm/swappiness (EINVAL)",
    });
    expect(report.failed).toBe(true);
  });
});

describe("unsupported", () => {
  test("aReadOnlySysctlIsALimitOfThePlace", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.refuses[rmemMax] = "EROFS";
    });
    const report = await applied(server.machine);
    expect(writeOf(report, "sysctl.net.core.rmem_max").outcome).toBe("unsupported");
    expect(report.failed).toBe(false);
  });

  test("aManagedInterruptIsTheKernels", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.refuses["/proc/irq/51/smp_affinity_list"] = "EIO";
    });
    const report = await applied(server.machine);
    expect(writeOf(report, "irq:50").outcome).toBe("applied");
    expect(writeOf(report, "irq:51")).toMatchObject({ outcome: "unsupported" });
    expect(writeOf(report, "irq:51").reason).toContain("managed by the kernel");
  });

  test("aGpuThatCannotLockItsClockSaysSoAlthoughItsToolEndsWithZero", async () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.gpuRefuses = ["--lock-gpu-clocks"];
    });
    const report = await applied(server.machine);
    const result = writeOf(report, `gpu.graphics-clock:${gpuUuid}`);
    expect(result.outcome).toBe("unsupported");
    expect(result.reason).toContain("Setting is not supported");
    expect(report.failed).toBe(false);
  });

  test("aDriverWithoutTheKeyIsNotApplicable", () => {
    using server = fakeServer();
    server.machine.alter((state) => {
      state.ethtool["eth1"]!["coalesce"] = {};
      state.ethtool["eth1"]!["feature"]!["large-receive-offload"] = "off [fixed]";
    });
    const { plan } = status(server.machine);
    expect(itemOf(plan, "nic.rx-usecs:eth1").state).toBe("not applicable");
    expect(itemOf(plan, "nic.lro:eth1").reason).toContain("fixed at off by the driver");
  });
});

describe("pending", () => {
  test("anInterruptThatHasNotMovedYetIsNotCalledApplied", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.pendingIrqs = [50];
    });
    const report = await applied(machine, { without: ["irq.irqbalance"] });
    expect(writeOf(report, "irq:50")).toMatchObject({
      outcome: "pending",
      reason: "IRQ 50 is still delivered to CPU 0 and moves when it next fires",
    });
    expect(writeOf(report, "irq:51").outcome).toBe("applied");
    expect(status(machine).pending.map(({ id }) => id)).toContain("irq.feed:eth1");

    machine.put("/proc/irq/50/effective_affinity_list", "3\n");
    expect(status(machine).pending.map(({ id }) => id)).not.toContain("irq.feed:eth1");
  });

  test("kernelArgumentsWaitForAReboot", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    const report = await applied(machine, { profile: "aggressive" });
    expect(report.rebootPending).toBe(true);
    expect(machine.commands).toContain("update-grub");
    expect(machine.read("/etc/default/grub.d/60-hftedge.cfg")).toEndWith(
      'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT isolcpus=managed_irq,domain,3,7 irqaffinity=0-2,4-6"\n',
    );
    expect(statusCode(status(machine))).toBe(3);

    machine.put("/proc/cmdline", "ro quiet isolcpus=managed_irq,domain,3,7 irqaffinity=0-2,4-6\n");
    machine.put("/sys/devices/system/cpu/isolated", "3,7\n");
    expect(status(machine).pending).toEqual([]);
    expect(statusCode(status(machine))).toBe(0);
  });

  test("whereGrubbyKeepsTheArgumentsTheyAreWrittenAndTakenBackThere", async () => {
    using server = fakeServer({ "/usr/sbin/update-grub": null, "/usr/sbin/grubby": "" });
    const { machine } = server;
    machine.alter((state) => {
      state.grubby = { crashkernel: "256M" };
    });
    const before = snapshot(server.root);
    const report = await applied(machine, { profile: "aggressive" });
    expect(writeOf(report, "grubby:isolcpus").outcome).toBe("applied");
    expect(machine.state.grubby).toMatchObject({ isolcpus: "managed_irq,domain,3,7" });
    expect(statusCode(status(machine))).toBe(3);
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });
});

describe("external", () => {
  test("aLaterFileThatOverridesASysctlIsNamed", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.put("/etc/sysctl.d/99-zzz-site.conf", "vm.swappiness=30\n");
    const report = await applied(machine);
    const reason =
      "/etc/sysctl.d/99-zzz-site.conf sets vm.swappiness to 30 at boot and is read after /etc/sysctl.d/99-zz-hftedge.conf";
    expect(writeOf(report, "memory.swappiness")).toMatchObject({
      outcome: "external",
      accepted: "1",
      reason: `applied now, but ${reason}`,
    });
    const after = status(machine);
    expect(statusCode(after)).toBe(2);
    expect(after.drift).toMatchObject([{ id: "memory.swappiness", reason }]);
  });

  test("aCommandLineThatIsNotOursIsLeftToItsOwnerWithTheLineToAdd", async () => {
    using server = fakeServer({
      "/usr/sbin/update-grub": null,
      "/etc/kernel/cmdline": "root=UUID=1 ro\n",
    });
    const report = await applied(server.machine, { profile: "aggressive" });
    expect(itemOf(report.plan, "kernel.irqaffinity")).toMatchObject({
      state: "external",
      reason:
        "/etc/kernel/cmdline is not ours: add irqaffinity=0-2,4-6 to it, then run kernel-install",
    });
    expect(report.rebootPending).toBe(false);
    expect(server.machine.read("/etc/kernel/cmdline")).toBe("root=UUID=1 ro\n");
  });

  test("anArgumentThatSomebodyElseSetIsLeftAlone", () => {
    using server = fakeServer({ "/proc/cmdline": "ro isolcpus=1\n" });
    const plan = makePlan(server.machine, request({ profile: "aggressive" }));
    expect(itemOf(plan, "kernel.isolcpus")).toMatchObject({
      state: "external",
      reason: "the command line has isolcpus=1 already, and not from us",
    });
  });

  test("aLaterDropInOfOllamaIsNamed", () => {
    using server = fakeServer();
    server.machine.put(
      "/etc/systemd/system/ollama.service.d/override.conf",
      '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0" "OLLAMA_NUM_PARALLEL=4"\n',
    );
    const item = itemOf(status(server.machine).plan, "ollama.num-parallel");
    expect(item.state).toBe("external");
    expect(item.reason).toContain("/etc/systemd/system/ollama.service.d/override.conf");
    expect(itemOf(status(server.machine).plan, "ollama.keep-alive").state).toBe("change");
  });

  test("aLaterDropInThatSaysTheSameIsNoDrift", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.put(
      "/etc/systemd/system/ollama.service.d/override.conf",
      '[Service]\nEnvironment="OLLAMA_NUM_PARALLEL=1" OLLAMA_KEEP_ALIVE=5m\nLimitMEMLOCK=infinity\n',
    );
    await applied(machine);
    const { plan } = status(machine);
    expect(itemOf(plan, "ollama.num-parallel").state).not.toBe("external");
    expect(itemOf(plan, "ollama.memlock").state).not.toBe("external");
    expect(itemOf(plan, "ollama.keep-alive").state).toBe("external");
  });

  test("anArgumentThatOnlyBeginsLikeOursIsSomebodyElses", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine, { profile: "aggressive" });
    machine.put("/proc/cmdline", "ro isolcpus=managed_irq,domain,3\n");
    expect(itemOf(status(machine).plan, "kernel.isolcpus").state).toBe("external");
  });

  test("aFileOfOursThatSomebodyEditedIsLeftAlone", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    const path = "/etc/sysctl.d/99-zz-hftedge.conf";
    machine.put(path, `${machine.read(path)}vm.max_map_count = 1\n`);
    expect(status(machine).drift).toContainEqual({
      id: path,
      live: null,
      desired: null,
      reason: `${path} was edited by hand since we wrote it`,
    });
    await applied(machine);
    expect(machine.read(path)).toContain("vm.max_map_count");
    await applied(machine, { force: true });
    expect(machine.read(path)).not.toContain("vm.max_map_count");
  });

  test("aFileThatWasThereBeforeUsIsReplacedOnlyWithForceAndComesBack", async () => {
    using server = fakeServer();
    const { machine } = server;
    const path = "/etc/sysctl.d/99-zz-hftedge.conf";
    machine.put(path, "vm.swappiness = 10\n");
    const before = snapshot(server.root);
    await applied(machine);
    expect(machine.read(path)).toBe("vm.swappiness = 10\n");
    await applied(machine, { force: true });
    expect(machine.read(path)).toContain("Written by hftedge tune");
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("anActiveTunedStaysInChargeUnlessOverruled", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.units["tuned.service"] = { enabled: "enabled", active: "active", pid: 9 };
    });
    const report = await applied(machine);
    expect(itemOf(report.plan, "memory.swappiness")).toMatchObject({
      state: "external",
      reason: "tuned is active and owns it; --take tuned overrules it",
    });
    expect(machine.read("/proc/sys/vm/swappiness")).toBe("60\n");
    expect(status(machine).drift).toEqual([]);
    await applied(machine, { take: ["tuned"] });
    expect(machine.read("/proc/sys/vm/swappiness")).toBe("1\n");
  });

  test("anActiveIrqbalanceKeepsTheInterruptsAndIsToldWhatToLeave", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.units["irqbalance.service"] = { enabled: "enabled", active: "active", pid: 9 };
    });
    const before = snapshot(server.root);
    const report = await applied(machine);
    expect(itemOf(report.plan, "irq.feed:eth1").state).toBe("external");
    expect(machine.commands).toContain("systemctl restart irqbalance.service");
    expect(machine.read("/etc/systemd/system/irqbalance.service.d/60-hftedge.conf")).toContain(
      "Environment=IRQBALANCE_BANNED_CPULIST=3,7\n",
    );

    const taken = await applied(machine, { take: ["irqbalance"] });
    expect(writeOf(taken, "irq:50").outcome).toBe("applied");
    expect(machine.state.units["irqbalance.service"]).toMatchObject({
      enabled: "disabled",
      active: "inactive",
    });
    await reverted(machine);
    machine.alter((state) => {
      state.units["irqbalance.service"]!.pid = 9;
    });
    expect(snapshot(server.root)).toEqual(before);
  });
});
