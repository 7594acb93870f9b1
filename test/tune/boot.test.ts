/** What a reboot loses is applied again; what nobody confirmed is not. */
import { describe, expect, test } from "bun:test";
import { applyAtBoot } from "../../src/tune/apply.ts";
import { escapeInstance, volatileItems, whyUntrusted } from "../../src/tune/boot.ts";
import { type FileStat, Host } from "../../src/host/host.ts";
import { lockPath } from "../../src/tune/lock.ts";
import { makePlan } from "../../src/tune/plan.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";
import type { FakeMachine } from "./support/fake-machine.ts";
import { applied, itemOf, reverted, status } from "./support/run.ts";

const governor = "/sys/devices/system/cpu/cpufreq/policy3/scaling_governor";

function reboot(machine: FakeMachine): void {
  for (let i = 0; i < 8; i++) {
    machine.put(`/sys/devices/system/cpu/cpufreq/policy${i}/scaling_governor`, "powersave\n");
  }
  machine.put("/sys/class/net/eth1/gro_flush_timeout", "20000\n");
  machine.alter((state) => {
    state.ethtool["eth1"]!["coalesce"]!["rx-usecs"] = "3";
    state.gpus[0]!.lock = "";
  });
  for (const path of machine.glob("/run/hftedge-tune.*")) machine.remove(path);
}

describe("at boot", () => {
  test("theHostsUnitAndTheInterfacesUnitApplyEachItsPart", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    await applied(machine);
    expect(machine.state.units["hftedge-tune.service"]?.enabled).toBe("enabled");
    expect(machine.state.units["hftedge-tune@eth1.service"]?.enabled).toBe("enabled");
    expect(machine.read("/etc/systemd/system/hftedge-tune@.service")).toContain(
      "ExecStart=/usr/local/bin/hftedge tune apply --boot --interface %I\n",
    );
    reboot(machine);
    expect(status(machine).drift.length).toBeGreaterThan(0);

    await applyAtBoot(machine, []);
    expect(machine.read(governor)).toBe("performance\n");
    expect(machine.state.gpus[0]!.lock).toBe("1980,1980");
    expect(machine.state.ethtool["eth1"]!["coalesce"]!["rx-usecs"]).toBe("3");

    await applyAtBoot(machine, ["eth1"]);
    expect(machine.state.ethtool["eth1"]!["coalesce"]!["rx-usecs"]).toBe("1");
    expect(status(machine).drift).toEqual([]);
  });

  test("theOriginalsOfTheFirstRunAreKept", async () => {
    using server = fakeServer();
    const { machine } = server;
    const before = snapshot(server.root);
    await applied(machine);
    reboot(machine);
    await applyAtBoot(machine, []);
    await applyAtBoot(machine, ["eth1"]);
    await reverted(machine);
    expect(snapshot(server.root)).toEqual(before);
  });

  test("anInterfaceThatIsNotThereYetDoesNotStopTheHost", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    reboot(machine);
    machine.remove("/sys/class/net/eth1/operstate");
    const report = await applyAtBoot(machine, []);
    expect(report?.failed).toBe(false);
    expect(machine.read(governor)).toBe("performance\n");

    machine.put("/sys/class/net/eth1/operstate", "up\n");
    await applyAtBoot(machine, ["eth1"]);
    expect(machine.state.ethtool["eth1"]!["coalesce"]!["rx-usecs"]).toBe("1");
    expect(status(machine).drift).toEqual([]);
  });

  test("aGpuWhoseDriverIsNotLoadedYetIsNotForgotten", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    reboot(machine);
    const { gpus } = machine.state;
    machine.alter((state) => {
      state.gpus = [];
    });
    await applyAtBoot(machine, []);
    machine.alter((state) => {
      state.gpus = gpus;
    });
    await applyAtBoot(machine, []);
    expect(machine.state.gpus[0]!.lock).toBe("1980,1980");
  });

  test("theUnitsThatStartTogetherWaitForEachOther", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    reboot(machine);
    const release = machine.lock(lockPath, "1\n")!;
    const waiting = applyAtBoot(machine, ["eth1"]);
    release();
    expect((await waiting)?.failed).toBe(false);
    expect(machine.state.ethtool["eth1"]!["coalesce"]!["rx-usecs"]).toBe("1");
  });

  test("anInterruptThatHasYetToMoveIsStillTheBootUnits", () => {
    using server = fakeServer();
    const { machine } = server;
    machine.alter((state) => {
      state.pendingIrqs = [50, 51];
    });
    for (const irq of [50, 51]) {
      machine.put(`/proc/irq/${irq}/smp_affinity_list`, "3,7\n");
    }
    const { items } = makePlan(machine, request({ without: ["irq.irqbalance"] }));
    expect(itemOf({ items }, "irq.feed:eth1").state).toBe("pending");
    expect(volatileItems(items).map(({ id }) => id)).toContain("irq.feed:eth1");
  });

  test("withNothingAppliedOrUnconfirmedNothingIsApplied", async () => {
    using server = fakeServer();
    const { machine } = server;
    expect(await applyAtBoot(machine, [])).toBeNull();
    await applied(machine, {}, machine.nowMs() + 60_000);
    reboot(machine);
    expect(await applyAtBoot(machine, [])).toBeNull();
    expect(machine.read(governor)).toBe("powersave\n");
  });
});

/** What is root's and closed, unless it is said otherwise. */
function linked(paths: Record<string, Partial<FileStat> & { to?: string }>) {
  const tree: typeof paths = { "/": {}, ...paths };
  return {
    root: "",
    stat: (path: string): FileStat | null => {
      const found = tree[path];
      if (found === undefined) return null;
      return { kind: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, ...found };
    },
    link: (path: string) => tree[path]?.to ?? null,
  };
}

const link = (to: string) => ({ kind: "link" as const, mode: 0o777, to });

describe("the boot unit", () => {
  test("escapesAnInterfacesNameAsSystemdDoes", () => {
    expect(escapeInstance("eth0")).toBe("eth0");
    expect(escapeInstance("eth-feed")).toBe("eth\\x2dfeed");
    expect(escapeInstance("eth0.100")).toBe("eth0.100");
    expect(escapeInstance(".x")).toBe("\\x2ex");
  });

  test("isNotWrittenForAProgramThatOthersCanReplace", () => {
    const host = new Host();
    expect(whyUntrusted(host, ["/no-such-folder/hftedge"])).toBe("/no-such-folder is not there");
    expect(whyUntrusted(host, [])).not.toBeNull();
    // Root's own shell, in folders of root.
    expect(whyUntrusted(host, ["/usr/bin/env"])).toBeNull();
  });

  describe("isNotWrittenForAProgramBehindALink", () => {
    const program = { kind: "file" as const };
    const usual = { "/usr": {}, "/usr/local": {}, "/usr/local/bin": {} };

    test("thatLeadsIntoAHomeFolder", () => {
      const host = linked({
        ...usual,
        "/usr/local/bin/hftedge": link("/home/ann/hftedge"),
        "/home": {},
        "/home/ann": { uid: 1000 },
        "/home/ann/hftedge": program,
      });
      expect(whyUntrusted(host, ["/usr/local/bin/hftedge"])).toBe(
        "/home/ann can be changed by others than root",
      );
    });

    test("thatIsAFolderOnTheWay", () => {
      const host = linked({
        "/opt": {},
        "/opt/hftedge": link("../srv/open"),
        "/srv": {},
        "/srv/open": { mode: 0o777 },
        "/srv/open/hftedge": program,
      });
      expect(whyUntrusted(host, ["/opt/hftedge/hftedge"])).toBe(
        "/srv/open can be changed by others than root",
      );
    });

    test("thatLeadsNowhereOrInACircle", () => {
      const host = linked({ ...usual, "/a": link("/b"), "/b": link("a"), "/c": link("/d") });
      expect(whyUntrusted(host, ["/a"])).toEndWith("leads in a circle");
      expect(whyUntrusted(host, ["/c"])).toBe("/d is not there");
    });

    test("unlessTheLinkLeadsToWhatIsRootsToo", () => {
      const host = linked({
        ...usual,
        "/bin": link("usr/local/bin"),
        "/usr/local/bin/hftedge": link("hftedge-2"),
        "/usr/local/bin/hftedge-2": program,
      });
      expect(whyUntrusted(host, ["/bin/hftedge"])).toBeNull();
    });
  });

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "passesSystemdsOwnCheckWithoutAWord (needs systemd-analyze)",
    async () => {
      using server = fakeServer();
      await applied(server.machine, { program: ["/usr/bin/env"] });
      for (const name of ["hftedge-tune.service", "hftedge-tune@.service"]) {
        const path = server.machine.file(`/etc/systemd/system/${name}`);
        const result = Bun.spawnSync(["systemd-analyze", "verify", "--recursive-errors=no", path]);
        // Unknown keys are warnings with exit code 0: only its words tell.
        const words = result.stderr
          .toString()
          .split("\n")
          .filter((line) => line.includes("hftedge-tune"));
        expect(words).toEqual([]);
      }
    },
  );
});
