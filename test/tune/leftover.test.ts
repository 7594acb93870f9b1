/** What guides leave behind is flagged always, and removed only when asked. */
import { chmodSync, symlinkSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { makePlan } from "../../src/tune/plan.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";
import { applied, itemOf, reverted } from "./support/run.ts";

const grub =
  'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nisolated_cores=2-15\nnohz_full=2-15\n# nohz_full=1\nnohz_full=2-15\n';
const sysctl =
  "net.ipv4.tcp_window_scaling = 0\nnet.core.rmem_default=65536\nkernel.sched_rt_runtime_us=-1\n" +
  "vm.swappiness=1\nvm.swappiness=1\nnet.ipv4.tcp_timestamps=1\n";
const guided = {
  "/etc/default/grub": grub,
  "/etc/sysctl.conf": sysctl,
  "/proc/sys/net/ipv4/tcp_window_scaling": "0\n",
  "/etc/modprobe.d/nvidia.conf": "options nvidia NVreg_EnableGpuScheduling=1\n",
  "/etc/environment": "CUDA_VISIBLE_DEVICES=0\n",
  "/proc/cmdline": "ro quiet nohz_full=2-15\n",
};

describe("leftovers of guides", () => {
  test("areFoundWithFileAndLine", () => {
    using server = fakeServer(guided);
    const plan = makePlan(server.machine, request());
    const found = Object.fromEntries(
      plan.items.filter(({ state }) => state === "finding").map(({ id, live }) => [id, live]),
    );
    expect(found).toMatchObject({
      "leftover.tcp_window_scaling":
        "/proc/sys/net/ipv4/tcp_window_scaling: 0; /etc/sysctl.conf: net.ipv4.tcp_window_scaling = 0",
      "leftover.rmem_default": "/etc/sysctl.conf: net.core.rmem_default = 65536",
      "leftover.sched_rt_runtime_us": "/etc/sysctl.conf: kernel.sched_rt_runtime_us = -1",
      "leftover.grub-variable": "/etc/default/grub: isolated_cores=2-15; nohz_full=2-15",
      "leftover.sysctl-duplicate":
        "/etc/sysctl.conf: vm.swappiness is set 2 times; the last one counts",
      "leftover.nvidia-module":
        "/etc/modprobe.d/nvidia.conf: options nvidia NVreg_EnableGpuScheduling=1",
      "leftover.cuda-visible-devices": "/etc/environment: CUDA_VISIBLE_DEVICES=0",
      "leftover.nohz_full": "/proc/cmdline: nohz_full=2-15",
    });
    expect(found["leftover.tcp_timestamps"]).toBeUndefined();
    expect(itemOf(plan, "leftover.grub-variable").reason).toContain("--remove-leftovers");
  });

  test("areLeftAloneUnasked", async () => {
    using server = fakeServer(guided);
    await applied(server.machine);
    expect(server.machine.read("/etc/default/grub")).toBe(grub);
    expect(server.machine.read("/etc/sysctl.conf")).toBe(sysctl);
  });

  test("areCommentedOutWhenAskedAndComeBackByteForByte", async () => {
    using server = fakeServer(guided);
    const { machine } = server;
    const before = snapshot(server.root);
    const report = await applied(machine, { removeLeftovers: true });
    expect(report.results.filter(({ outcome }) => outcome !== "applied")).toEqual([]);
    const mark = "# removed by hftedge tune: ";
    expect(machine.read("/etc/default/grub")).toBe(
      grub.replaceAll("\nisolated", `\n${mark}isolated`).replaceAll("\nnohz", `\n${mark}nohz`),
    );
    const lines = machine.read("/etc/sysctl.conf")!.split("\n");
    expect(lines.slice(0, 3).every((line) => line.startsWith(mark))).toBe(true);
    expect(lines[3]).toBe("vm.swappiness=1");
    expect(machine.read("/proc/sys/net/ipv4/tcp_window_scaling")).toBe("1\n");
    // Who else relies on it cannot be known.
    expect(machine.read("/etc/environment")).toBe("CUDA_VISIBLE_DEVICES=0\n");

    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("keepModeOfTheirFiles", async () => {
    using server = fakeServer(guided);
    const { machine } = server;
    chmodSync(machine.file("/etc/default/grub"), 0o600);
    await applied(machine, { removeLeftovers: true });
    expect(machine.read("/etc/default/grub")).toContain("# removed by hftedge tune: isolated");
    expect(machine.stat("/etc/default/grub")?.mode).toBe(0o600);
  });

  test("behindALinkAreForAPersonToMend", async () => {
    using server = fakeServer({
      "/opt/nvidia.conf": "options nvidia NVreg_EnableGpuScheduling=1\n",
      "/etc/modprobe.d/other.conf": "",
    });
    const { machine } = server;
    symlinkSync("../../opt/nvidia.conf", machine.file("/etc/modprobe.d/nvidia.conf"));
    const report = await applied(machine, { removeLeftovers: true });
    expect(itemOf(report.plan, "leftover.nvidia-module").state).toBe("finding");
    expect(machine.link("/etc/modprobe.d/nvidia.conf")).toBe("../../opt/nvidia.conf");
  });

  test("behindAnAbsoluteLinkAreMendedWhereTheyAre", async () => {
    using server = fakeServer({ "/opt/site.conf": "kernel.sched_rt_runtime_us = -1\n" });
    const { machine } = server;
    symlinkSync("/opt/site.conf", machine.file("/etc/sysctl.d/70-site.conf"));
    await applied(machine, { removeLeftovers: true });
    expect(machine.read("/opt/site.conf")).toBe(
      "# removed by hftedge tune: kernel.sched_rt_runtime_us = -1\n",
    );
    expect(machine.link("/etc/sysctl.d/70-site.conf")).toBe("/opt/site.conf");
  });
});
