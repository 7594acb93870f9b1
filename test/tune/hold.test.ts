import { describe, expect, test } from "bun:test";
import { openSync, readFileSync } from "node:fs";
import { Host } from "../../src/host/host.ts";
import { driftLine, holdCpuLatency } from "../../src/tune/hold.ts";
import { makePlan } from "../../src/tune/plan.ts";
import { fakeServer, request } from "./support/fake-server.ts";
import { applied, itemOf } from "./support/run.ts";

describe("shallow idle states", () => {
  test("areAskedForWithC1sLatencyAndLetGo", () => {
    using server = fakeServer({ "/dev/cpu_dma_latency": "" });
    const hold = holdCpuLatency(server.machine);
    expect(hold).toMatchObject({ held: true, latencyUs: 2, reason: null });
    const bytes = readFileSync(server.machine.file("/dev/cpu_dma_latency"));
    expect([...bytes]).toEqual([2, 0, 0, 0]);
    hold.release();
    hold.release();
  });

  test("onArmAreThoseOfWfiWhichIsNoPoll", () => {
    const folder = "/sys/devices/system/cpu/cpu0/cpuidle";
    using server = fakeServer({
      "/dev/cpu_dma_latency": "",
      [`${folder}/state0/name`]: "WFI\n",
      [`${folder}/state0/latency`]: "1\n",
      [`${folder}/state1/name`]: "cpu-sleep-0\n",
      [`${folder}/state1/latency`]: "250\n",
    });
    expect(holdCpuLatency(server.machine).latencyUs).toBe(1);
    const plan = makePlan(server.machine, request({ profile: "aggressive" }));
    expect(itemOf(plan, "cpu.resume-latency").desired).toBe("1");
  });

  test("areAskedForThroughTheDescriptorThatSystemdHandsOver", () => {
    using server = fakeServer({ "/dev/cpu_dma_latency": "" });
    const descriptor = openSync(server.machine.file("/dev/cpu_dma_latency"), "r+");
    // As many names before ours as put it at this number: descriptors are handed over from 3 on.
    const names = [...Array<string>(descriptor - 3).fill("other"), "cpu_dma_latency"];
    const environment = {
      LISTEN_PID: String(process.pid),
      LISTEN_FDS: String(names.length),
      LISTEN_FDNAMES: names.join(":"),
    };
    // A root without the device: only the descriptor can have been written.
    using other = fakeServer();
    const hold = holdCpuLatency(new Host(other.root, environment));
    expect(hold.held).toBe(true);
    expect([...readFileSync(server.machine.file("/dev/cpu_dma_latency"))]).toEqual([2, 0, 0, 0]);
    hold.release();
    expect(holdCpuLatency(new Host(other.root, { ...environment, LISTEN_PID: "1" })).held).toBe(
      false,
    );
  });

  test("withoutTheDeviceAreNotApplicable", () => {
    using server = fakeServer();
    const hold = holdCpuLatency(server.machine);
    expect(hold.held).toBe(false);
    expect(hold.reason).toContain("not applicable");
    hold.release();
  });
});

describe("the line at the start of a run", () => {
  test("namesWhatDriftedAndTheCommandThatMendsIt", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    expect(driftLine(machine)).toContain("mend with `sudo hftedge tune`");
    await applied(machine);
    expect(driftLine(machine)).toBeNull();
    machine.put("/proc/sys/vm/swappiness", "60\n");
    expect(driftLine(machine, "./hftedge")).toBe(
      "tune: in drift: memory.swappiness; mend with `sudo ./hftedge tune apply`",
    );
  });

  test("isOneLineAlsoWhenMuchDrifted", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    for (const key of ["vm/swappiness", "kernel/numa_balancing", "net/core/rmem_max"]) {
      machine.put(`/proc/sys/${key}`, "77\n");
    }
    for (const name of ["enabled"]) {
      machine.put(`/sys/kernel/mm/transparent_hugepage/${name}`, "[always] madvise never\n");
    }
    machine.put("/sys/kernel/mm/ksm/run", "1\n");
    machine.put("/sys/devices/system/cpu/cpufreq/policy1/scaling_governor", "powersave\n");
    const line = driftLine(machine)!;
    expect(line).toContain("and 1 more");
    expect(line).not.toContain("\n");
  });

  test("neverThrows", () => {
    using server = fakeServer();
    server.machine.makeDirectory("/var/lib/hftedge-tune");
    server.machine.put("/var/lib/hftedge-tune/journal", "rubbish\n");
    expect(driftLine(server.machine)).toContain("cannot be told");
  });
});
