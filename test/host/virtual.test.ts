import { describe, expect, test } from "bun:test";
import { detectContainer, detectHypervisor } from "../../src/host/virtual.ts";
import { fakeRoot } from "../support/fake-root.ts";

const guestFlags = "flags\t\t: fpu vme de pse tsc msr hypervisor lahf_lm\n";
const metalFlags = "flags\t\t: fpu vme de pse tsc msr lahf_lm\n";

describe("hypervisor", () => {
  test.each([
    ["QEMU", "kvm"],
    ["Amazon EC2", "amazon"],
    ["VMware, Inc.", "vmware"],
    ["Microsoft Corporation", "hyper-v"],
  ])("the DMI vendor %p", (vendor, expected) => {
    const root = fakeRoot({ "proc/cpuinfo": guestFlags, "sys/class/dmi/id/sys_vendor": vendor });
    expect(detectHypervisor(root.host)).toBe(expected);
  });

  test("without DMI, the clock source tells", () => {
    const root = fakeRoot({
      "proc/cpuinfo": guestFlags,
      "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock \n",
    });
    expect(detectHypervisor(root.host)).toBe("kvm");
  });

  test("only the CPU's flag", () => {
    expect(detectHypervisor(fakeRoot({ "proc/cpuinfo": guestFlags }).host)).toBe("unknown");
  });

  test("a bare metal machine of a cloud has the vendor's name and no flag", () => {
    const root = fakeRoot({
      "proc/cpuinfo": metalFlags,
      "sys/class/dmi/id/sys_vendor": "Amazon EC2",
    });
    expect(detectHypervisor(root.host)).toBeUndefined();
  });

  test("nothing to read", () => {
    expect(detectHypervisor(fakeRoot({}).host)).toBeUndefined();
  });
});

describe("container", () => {
  test.each([
    [{ ".dockerenv": "x" }, "docker"],
    [{ "run/.containerenv": 'engine="podman-5.4.0"\n' }, "podman"],
    [{ "proc/1/environ": "TERM=xterm\0container=lxc\0" }, "lxc"],
    [{ "proc/1/cgroup": "0::/kubepods/besteffort/pod1\n" }, "kubepods"],
    [{ "proc/sys/kernel/osrelease": "5.15.167.4-microsoft-standard-WSL2\n" }, "wsl"],
    [{ "proc/1/cgroup": "0::/init.scope\n" }, undefined],
  ] as const)("%p", (files, expected) => {
    expect(detectContainer(fakeRoot(files).host)).toBe(expected as string);
  });
});
