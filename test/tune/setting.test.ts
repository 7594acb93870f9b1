/** Every setting of the catalogue, one by one. */
import { describe, expect, test } from "bun:test";
import { Access, sameValue } from "../../src/tune/access.ts";
import { catalogue } from "../../src/tune/catalogue.ts";
import { readJournal } from "../../src/tune/journal.ts";
import { makePlan } from "../../src/tune/plan.ts";
import { renderVerdicts } from "../../src/tune/render.ts";
import { statusCode } from "../../src/tune/status.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";
import { applied, reverted, status } from "./support/run.ts";

const asked = catalogue.filter((setting) => setting.asked !== undefined).map(({ id }) => id);
/** A machine on which every setting has something to do. */
const rich = {
  "/sys/devices/system/cpu/cpufreq/boost": "1\n",
  "/proc/sys/net/core/rps_sock_flow_entries": "32768\n",
};
const everything = { profile: "aggressive", with: asked } as const;
const written = catalogue.filter(
  ({ knob, safe, aggressive, asked: only }) =>
    !["none", "audit", "leftover", "run"].includes(knob.kind) &&
    (safe ?? aggressive ?? only) !== undefined,
);

describe("the catalogue", () => {
  test("has a verdict, a reason and a source for each setting, under an id of its own", () => {
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
    for (const setting of catalogue) {
      for (const text of [setting.title, setting.why, setting.source, setting.answer]) {
        expect(text.trim(), setting.id).not.toBe("");
      }
      expect(setting.verdict === "refused", setting.id).toBe(
        setting.knob.kind === "none" &&
          !setting.answer.startsWith("own file") &&
          !isElsewhere(setting.id),
      );
    }
  });

  test("answers everything that guides show", () => {
    const guides = catalogue.map(({ guide }) => guide ?? "").join("\n");
    for (const word of [
      "nvidia-smi -pm 1",
      "-acp 0",
      "-lgc 1995",
      "-lmc 5001",
      "CUDA_VISIBLE_DEVICES",
      "NVreg_EnableGpuScheduling",
      "isolated_cores",
      "nohz_full",
      "/etc/default/grub",
      "/etc/sysctl.conf",
      "sched_rt_runtime_us=-1",
      "vm.swappiness=1",
      "busy_read=50",
      "busy_poll=50",
      "tcp_timestamps=0",
      "tcp_sack=0",
      "tcp_window_scaling=0",
      "rmem_max=134217728",
      "rmem_default=65536",
      "tcp_rmem",
      "rps_sock_flow_entries=32768",
      "ethtool -G",
      "rx-usecs 1 tx-usecs 1",
      "gro off",
      "lro off",
      "smp_affinity",
      "ping",
      "dd if=/dev/zero",
      "kern.log",
    ]) {
      expect(guides, word).toContain(word);
    }
  });

  test("leaves huge pages to those who ask for them, as run does for its tables", () => {
    const setting = catalogue.find(({ id }) => id === "memory.transparent_hugepage")!;
    expect([setting.safe, setting.aggressive]).toEqual(["madvise", "madvise"]);
    expect(setting.answer).toContain("run gets those that it asks for");
  });

  test("derives the table of verdicts", () => {
    const rows = renderVerdicts().trimEnd().split("\n");
    expect(rows.length).toBe(catalogue.length + 2);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)?.length, row).toBe(8);
  });
});

/** Verdicts that point to another command of the program rather than to a setting. */
function isElsewhere(id: string): boolean {
  return /ping$|fsync$|oom-log$/.test(id);
}

describe("each setting that is written", () => {
  test("is applied, found by status when it drifts, and taken back", async () => {
    using server = fakeServer(rich);
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    const before = snapshot(server.root);
    const report = await applied(machine, everything);
    expect(report.results.filter(({ outcome }) => outcome !== "applied")).toEqual([]);
    const done = new Set(
      report.plan.items.filter((i) => i.state === "change").map((i) => i.setting.id),
    );
    // Without the daemon it would be this one, see below.
    done.add("gpu.persistence");
    expect(written.map(({ id }) => id).filter((id) => !done.has(id))).toEqual([]);
    expect(status(machine).drift).toEqual([]);

    const access = new Access(machine);
    for (const entry of readJournal(machine)!.entries.values()) {
      // The driver itself would refuse this one as long as the governor is at "performance".
      if (entry.key.endsWith("/energy_performance_preference")) {
        machine.put(entry.key, `${entry.original}\n`);
      } else access.write(entry.target, entry.original, entry.stat ?? undefined);
      const drifted = status(machine);
      expect(statusCode(drifted), entry.key).toBe(2);
      const named = drifted.drift.map(({ id, reason }) => `${id} ${reason ?? ""}`).join("\n");
      const name =
        entry.setting === "file" || entry.setting === "unit"
          ? entry.key.replace("unit:", "")
          : entry.setting;
      expect(named, entry.key).toContain(name);
      access.write(entry.target, entry.accepted);
    }
    expect(status(machine).drift).toEqual([]);

    expect((await reverted(machine)).failed).toBe(false);
    machine.alter((state) => {
      state.units["ollama.service"]!.pid = 501;
    });
    expect(snapshot(server.root)).toEqual(before);
  });

  test("gpuPersistenceIsSetByHandWhereTheDaemonIsMissing", async () => {
    using server = fakeServer({
      "/usr/lib/systemd/system/nvidia-persistenced.service": null,
    });
    const { machine } = server;
    await applied(machine);
    expect(machine.state.gpus[0]!.persistence).toBe(true);
    await reverted(machine);
    expect(machine.state.gpus[0]!.persistence).toBe(false);
  });

  test.each(written.map((setting) => [setting.id, setting] as const))("%s alone", async (id) => {
    using server = fakeServer(rich);
    const { machine } = server;
    const others = catalogue.map((setting) => setting.id).filter((other) => other !== id);
    const only = { profile: "aggressive", with: [id], without: others } as const;
    const before = snapshot(server.root);
    const report = await applied(machine, only);
    expect(report.failed).toBe(false);
    const plan = makePlan(machine, request(only));
    const items = plan.items.filter((item) => item.setting.id === id);
    expect(items.length).toBeGreaterThan(0);
    for (const { targets } of items) {
      for (const { target, live, desired } of targets) {
        expect(sameValue(target, live, desired), id).toBe(true);
      }
    }
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });
});
