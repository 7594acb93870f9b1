import { describe, expect, test } from "bun:test";
import { openRoot } from "../../src/host/root.ts";
import { fakeRoot } from "../support/fake-root.ts";

describe("a root", () => {
  const root = fakeRoot({
    "proc/loadavg": "0.10 0.20 0.30 1/2 3\n",
    "sys/number": " -12\n",
    "sys/word": "  performance \n",
    "sys/empty": "\n",
    "sys/large": "x".repeat(100_000),
    "devices/pci0/msi_irqs/40": "msix\n",
    "devices/pci0/virtio0/vendor": "0x1af4\n",
  });
  root.link("sys/class/net/eth0/device", "../../../../devices/pci0/virtio0");

  test("reads text, words and numbers", () => {
    expect(root.host.text("/proc/loadavg")).toBe("0.10 0.20 0.30 1/2 3\n");
    expect(root.host.word("/sys/word")).toBe("performance");
    expect(root.host.number("/sys/number")).toBe(-12);
    expect(root.host.text("/sys/large")?.length).toBe(100_000);
  });

  test("what is missing, empty or of the wrong kind is undefined", () => {
    expect(root.host.text("/proc/absent")).toBeUndefined();
    expect(root.host.word("/sys/empty")).toBeUndefined();
    expect(root.host.number("/sys/word")).toBeUndefined();
    expect(root.host.text("/proc")).toBeUndefined();
    expect(root.host.list("/proc/loadavg")).toEqual([]);
    expect(root.host.link("/sys/word")).toBeUndefined();
    expect(root.host.exists("/nothing")).toBe(false);
    expect(root.host.exists("/proc")).toBe(true);
  });

  test("the directory above a link is that of its target", () => {
    expect(root.host.list("/sys/class/net/eth0/device/../msi_irqs")).toEqual(["40"]);
  });

  test("only / is the machine itself", () => {
    expect(openRoot().real).toBe(true);
    expect(root.host.real).toBe(false);
  });

  test.skipIf(process.platform !== "linux")(
    "reads this machine's files, whose size is told as 0",
    () => {
      expect(openRoot().text("/proc/meminfo")).toContain("MemTotal:");
    },
  );
});
