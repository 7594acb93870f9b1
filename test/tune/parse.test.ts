/** What the kernel and the tools print, cut to pieces. */
import { describe, expect, test } from "bun:test";
import { durationS } from "../../src/command/tune-option.ts";
import { formatCpuMask, parseCpuMask } from "../../src/host/cpu-mask.ts";
import { idleReason } from "../../src/host/clock-reason.ts";
import { parseGpus } from "../../src/host/nvidia.ts";
import { parseSysctl, SysctlBoot, sysctlKeyName, sysctlKeyPath } from "../../src/host/sysctl.ts";
import { unifiedDiff } from "../../src/tune/diff.ts";
import { proofOf, renderProof } from "../../src/tune/gpu-proof.ts";
import { environmentOf } from "../../src/tune/live.ts";
import { compare, roundOf } from "../../src/tune/measure.ts";
import { ownedText, ownership } from "../../src/tune/owned-file.ts";
import { parseEthtool } from "../../src/tune/target/ethtool.ts";
import { parseGrubby } from "../../src/tune/target/grubby.ts";
import { chosen } from "../../src/tune/target/value.ts";
import { fakeServer } from "./support/fake-server.ts";

describe("CPU masks", () => {
  test.each([
    [[], "0"],
    [[0], "1"],
    [[0, 1, 33], "2,00000003"],
    [[31, 63], "80000000,80000000"],
  ])("%j is %s", (cpus, mask) => {
    expect(formatCpuMask(cpus)).toBe(mask);
    expect(parseCpuMask(mask)).toEqual(cpus);
  });

  test("leadingZerosAndGroupsMeanNothing", () => {
    expect(parseCpuMask("00000000,0000000f\n")).toEqual([0, 1, 2, 3]);
  });
});

describe("sysctl.d", () => {
  test("keysWithDotsAndSlashesNameTheSameFile", () => {
    expect(sysctlKeyPath("net.ipv4.conf.eth0/100.rp_filter")).toBe(
      "net/ipv4/conf/eth0.100/rp_filter",
    );
    expect(sysctlKeyPath("net/ipv4/conf/eth0.100/rp_filter")).toBe(
      "net/ipv4/conf/eth0.100/rp_filter",
    );
    expect(sysctlKeyName("net/ipv4/conf/eth0.100/rp_filter")).toBe(
      "net.ipv4.conf.eth0/100.rp_filter",
    );
  });

  test("commentsBlanksAndDashes", () => {
    const lines = parseSysctl(
      "# a\n; b\n\n-vm.swappiness = 1\n-net.ipv4.conf.lo.rp_filter\nx\n",
      "f",
    );
    expect(lines).toEqual([
      { key: "vm/swappiness", value: "1", path: "f", line: 4 },
      { key: "net/ipv4/conf/lo/rp_filter", value: null, path: "f", line: 5 },
    ]);
  });

  test("theLastFileByNameWinsAndAnEtcFileHidesItsNamesake", () => {
    using server = fakeServer({
      "/usr/lib/sysctl.d/10-a.conf": "vm.swappiness=10\nkernel.nmi_watchdog=0\n",
      "/etc/sysctl.d/10-a.conf": "vm.swappiness=20\n",
      "/run/sysctl.d/50-b.conf": "vm.swappiness=30\n",
    });
    const boot = new SysctlBoot(server.machine);
    // Debian's 99-sysctl.conf is a link to /etc/sysctl.conf, which has 60.
    expect(boot.get("vm/swappiness")).toEqual({ value: "60", path: "/etc/sysctl.conf" });
    expect(boot.get("kernel/nmi_watchdog")).toBeNull();
  });

  test("anExplicitKeyBeatsAPatternAndAnExclusionEndsIt", () => {
    using server = fakeServer({
      "/etc/sysctl.d/50-a.conf":
        "net.ipv4.conf.eth1.rp_filter=0\nnet.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.lo.rp_filter\n",
    });
    const boot = new SysctlBoot(server.machine);
    expect(boot.get("net/ipv4/conf/eth1/rp_filter")?.value).toBe("0");
    expect(boot.get("net/ipv4/conf/eth0/rp_filter")?.value).toBe("2");
    expect(boot.get("net/ipv4/conf/lo/rp_filter")).toBeNull();
  });

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "filesAreReadInSystemdsOrder (needs systemd-analyze)",
    () => {
      using server = fakeServer({
        "/usr/lib/sysctl.d/50-b.conf": "vm.swappiness=1\n",
        "/etc/sysctl.d/10-a.conf": "vm.swappiness=2\n",
        "/etc/sysctl.d/99-zz-hftedge.conf": "vm.swappiness=3\n",
      });
      const { stdout } = Bun.spawnSync([
        "systemd-analyze",
        `--root=${server.root}`,
        "cat-config",
        "sysctl.d",
      ]);
      const order = [...stdout.toString().matchAll(/^# \S*?(\/(?:etc|usr|run)\/\S+)$/gm)].map(
        ([, path]) => path!.replace(/^.*\/(?=[^/]+$)/, ""),
      );
      const ours = new SysctlBoot(server.machine).lines.map(({ path }) =>
        path.replace(/^.*\//, "").replace(/^sysctl.conf$/, "99-sysctl.conf"),
      );
      expect(ours).toEqual(order.map((name) => name.replace(/^sysctl.conf$/, "99-sysctl.conf")));
    },
  );
});

describe("ethtool", () => {
  const coalesce =
    "Coalesce parameters for eth0:\nAdaptive RX: on  TX: n/a\nstats-block-usecs: n/a\n\nrx-usecs: 3\nrx-usecs-irq: n/a\n";
  const ring =
    "Ring parameters for eth0:\nPre-set maximums:\nRX:\t\t4096\nTX:\t\t4096\nCurrent hardware settings:\nRX:\t\t512\nTX:\t\t256\n";

  test("theCurrentRingAndNotTheLargest", () => {
    expect(parseEthtool(ring, "ring", "rx")?.value).toBe("512");
    expect(parseEthtool("", "ring", "rx")).toBeNull();
  });

  test("coalesceKeys", () => {
    expect(parseEthtool(coalesce, "coalesce", "adaptive-rx")?.value).toBe("on");
    expect(parseEthtool(coalesce, "coalesce", "rx-usecs")?.value).toBe("3");
    expect(parseEthtool(coalesce, "coalesce", "rx-usecs-irq")).toBeNull();
    expect(parseEthtool(coalesce, "coalesce", "tx-usecs")).toBeNull();
  });

  test("aFixedFeatureIsToldApart", () => {
    const text = "Features for eth0:\nlarge-receive-offload: off [fixed]\n";
    expect(parseEthtool(text, "feature", "large-receive-offload")).toEqual({
      value: "off",
      fixed: true,
    });
  });

  test("pauseFrames", () => {
    const text = "Pause parameters for eth0:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\ton\n";
    expect(parseEthtool(text, "pause", "autoneg")?.value).toBe("off");
    expect(parseEthtool(text, "pause", "tx")?.value).toBe("on");
  });
});

describe("other texts", () => {
  test("aChoiceInBracketsIsTheValue", () => {
    expect(chosen("always [madvise] never\n")).toBe("madvise");
    expect(chosen("performance\n")).toBe("performance");
  });

  test("aVariableOfAProcess", () => {
    expect(environmentOf("A=1\0OLLAMA_X=a=b\0", "OLLAMA_X")).toBe("a=b");
    expect(environmentOf("AOLLAMA_X=1\0", "OLLAMA_X")).toBeNull();
  });

  test("grubbysArguments", () => {
    const text = 'index=0\nargs="ro isolcpus=2-3 quiet isolcpus=4"\nroot="x"\n';
    expect(parseGrubby(text, "isolcpus")).toBe("4");
    expect(parseGrubby(text, "irqaffinity")).toBeNull();
  });

  test("aColumnThatNvidiaSmiDoesNotKnowIsNull", () => {
    const [gpu] = parseGpus(
      "GPU-1, NVIDIA X, 550.1, Enabled, P0, 1980, [N/A], 2100, 300.00, [N/A], 350.00, 40, [N/A]\nfailed\n",
    );
    expect(gpu).toMatchObject({
      persistence: true,
      smClockMhz: 1980,
      memoryClockMhz: null,
      powerDefaultW: null,
      powerMaxW: 350,
      mig: null,
    });
  });

  test("durations", () => {
    expect([durationS("60s"), durationS("2m"), durationS("300ms"), durationS("5")]).toEqual([
      60, 120, 0.3, 5,
    ]);
    for (const bad of ["", "0s", "2h", "-1s", "3601s"]) expect(() => durationS(bad)).toThrow();
  });
});

describe("a file of ours", () => {
  test("isKnownByItsHash", () => {
    const text = ownedText("vm.swappiness = 1\n");
    expect(ownership(text)).toBe("ours");
    expect(ownership(`${text}#`)).toBe("edited");
    expect(ownership("vm.swappiness = 1\n")).toBe("foreign");
    expect(ownership("")).toBe("foreign");
  });
});

describe("a diff", () => {
  test("isThatOfDiffU", () => {
    const a = Array.from({ length: 20 }, (_, i) => `line ${i}`).join("\n");
    const before = `${a}\n`;
    const after = before.replace("line 4\n", "line four\n").replace("line 15\n", "");
    const [names, hunks] = [/^(?:---|\+\+\+).*\n/gm, unifiedDiff("/f", before, after)];
    expect(hunks.replaceAll(names, "")).toBe(
      "@@ -2,7 +2,7 @@\n line 1\n line 2\n line 3\n-line 4\n+line four\n line 5\n line 6\n line 7\n" +
        "@@ -13,7 +13,6 @@\n line 12\n line 13\n line 14\n-line 15\n line 16\n line 17\n line 18\n",
    );
  });

  test("ofANewFileStartsAtNothing", () => {
    expect(unifiedDiff("/f", null, "a\nb\n")).toBe(
      "--- /dev/null\n+++ /f\n@@ -0,0 +1,2 @@\n+a\n+b\n",
    );
    expect(unifiedDiff("/f", "a\n", null)).toBe("--- /f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
    expect(unifiedDiff("/f", "a\n", "a\n")).toBe("");
  });
});

const roundsOf = (...p50: number[]) => p50.map((value) => ({ p50: value, p99: value, max: value }));

const gpuAt = (smClockMhz: number, eventReasons: number) => ({
  ...parseGpus("GPU-1, X, 1, Enabled, P0, 0, 0, 0, 0, 0, 0, 0, Enabled\n")[0]!,
  smClockMhz,
  eventReasons,
});

describe("a measurement", () => {
  test("callsADifferenceInsideTheNoiseNone", () => {
    const rows = compare(
      { wakeUp: roundsOf(100, 120), loopback: roundsOf(50, 60) },
      { wakeUp: roundsOf(110, 130), loopback: roundsOf(30, 40) },
    );
    expect(rows.map(({ what, quantile, difference }) => [what, quantile, difference])).toEqual([
      ["wake-up latency", "p50", "none"],
      ["wake-up latency", "p99", "none"],
      ["loopback round trip", "p50", "faster"],
      ["loopback round trip", "p99", "faster"],
    ]);
  });

  test("roundsAreQuantiles", () => {
    const samples = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(roundOf(samples)).toEqual({ p50: 51, p99: 100, max: 100 });
  });
});

describe("a clock under load", () => {
  test("isProvedOnlyByBusySamples", () => {
    const idle = proofOf("GPU-1", 1980, [gpuAt(210, idleReason)]);
    expect(idle.lowestMhz).toBeNull();
    expect(renderProof(idle)).toContain("nothing is proved");
    const busy = proofOf("GPU-1", 1980, [gpuAt(210, idleReason), gpuAt(1980, 0)]);
    expect(renderProof(busy)).toContain("1980 MHz kept");
  });

  test("isShownWithTheReasonWhenItIsLower", () => {
    const proof = proofOf("GPU-1", 1980, [gpuAt(1500, 0x4)]);
    expect(renderProof(proof)).toBe(
      "GPU-1: 1980 MHz NOT kept, lowest 1500 MHz under load (the power limit)",
    );
  });
});
