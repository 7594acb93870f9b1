/**
 * On Debian's kernel in QEMU, with an e1000e: rings, coalescing, interrupt vectors and the kernel
 * command line are real there. Opt-in, because it needs a kernel and half a minute: see test/README.md.
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { binaryPath } from "../support/binary.ts";

const kernel = process.env["HFTEDGE_TEST_QEMU_KERNEL"] ?? "";
const module_ = process.env["HFTEDGE_TEST_QEMU_MODULE"] ?? "";
const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
const tool = (name: string): string | null => Bun.which(name, { PATH: path });

function whyNot(): string | null {
  if (kernel === "" || module_ === "") {
    return "set HFTEDGE_TEST_QEMU_KERNEL and HFTEDGE_TEST_QEMU_MODULE";
  }
  const missing = ["qemu-system-x86_64", "busybox", "cpio", "ethtool", "ldd"].find(
    (name) => tool(name) === null,
  );
  return missing === undefined ? null : `needs ${missing}`;
}

/** Copies a program and the libraries that it is linked against. */
function install(root: string, from: string, to: string): void {
  const place = (source: string, target: string): void => {
    mkdirSync(dirname(join(root, target)), { recursive: true });
    cpSync(source, join(root, target), { dereference: true });
  };
  place(from, to);
  const { stdout } = Bun.spawnSync(["ldd", from]);
  for (const [, library] of stdout.toString().matchAll(/(\/\S+) \(0x/g)) place(library!, library!);
}

function initramfs(root: string): string {
  install(root, tool("busybox")!, "/bin/busybox");
  install(root, binaryPath(), "/usr/bin/hftedge");
  install(root, tool("ethtool")!, "/usr/sbin/ethtool");
  writeFileSync(join(root, "usr/sbin/update-grub"), "#!/bin/busybox sh\n");
  chmodSync(join(root, "usr/sbin/update-grub"), 0o755);
  writeFileSync(join(root, "init"), readFileSync(join(import.meta.dir, "support/qemu-init.sh")));
  chmodSync(join(root, "init"), 0o755);
  for (const folder of ["proc", "sys", "dev", "run", "tmp"]) mkdirSync(join(root, folder));
  cpSync(module_, join(root, "e1000e.ko"));
  const image = `${root}.cpio`;
  const made = Bun.spawnSync(["sh", "-c", `find . | cpio -o -H newc --quiet > ${image}`], {
    cwd: root,
  });
  expect(made.exitCode).toBe(0);
  return image;
}

function boot(image: string): Map<string, string> {
  const result = Bun.spawnSync(
    [
      "qemu-system-x86_64",
      ..."-cpu max -smp 4 -m 2048 -no-reboot".split(" "),
      ..."-display none -serial stdio -monitor none".split(" "),
      ..."-netdev user,id=a,restrict=on,ipv6=off -device e1000e,netdev=a".split(" "),
      ..."-netdev user,id=b,restrict=on,ipv6=off -device e1000e,netdev=b".split(" "),
      "-kernel",
      kernel,
      "-initrd",
      image,
      "-append",
      "console=ttyS0 quiet panic=-1 isolcpus=managed_irq,domain,3 irqaffinity=0-2",
    ],
    { stdin: "ignore", timeout: 300_000, env: { PATH: path } },
  );
  const sections = new Map<string, string>();
  for (const part of result.stdout.toString().replaceAll("\r", "").split(/^=== /m).slice(1)) {
    const [name = "", ...lines] = part.split("\n");
    sections.set(name, lines.join("\n"));
  }
  if (!sections.has("end")) throw new Error(result.stdout.toString().slice(-4000));
  return sections;
}

const why = whyNot();

describe("in QEMU with an e1000e", () => {
  test.skipIf(why !== null)(
    `tune applies, finds a drift and reverts${why === null ? "" : ` (${why})`}`,
    () => {
      const root = mkdtempSync(join(tmpdir(), "hftedge-qemu-"));
      try {
        const sections = boot(initramfs(root));
        const text = (name: string): string => sections.get(name) ?? "";
        expect(text("plan")).toContain("feed CPUs 3 ");
        expect(text("apply")).toMatch(/^exit 0$/m);
        expect(text("apply")).toMatch(/applied +nic\.rx-ring:eth0 +256 → 1024/);
        const after = text("after");
        expect(after).toMatch(/^RX:\s+1024$/m);
        expect(after).toMatch(/^irq 3$/m);
        expect(after).toContain("isolcpus=managed_irq,domain,3 irqaffinity=0-2");
        expect(text("drift")).toContain("nic.rx-usecs:eth0");
        expect(text("drift")).toMatch(/^exit 2$/m);
        expect(text("revert")).toMatch(/^exit 0$/m);
        expect(text("restored")).toBe(text("before"));
      } finally {
        rmSync(root, { recursive: true, force: true });
        rmSync(`${root}.cpio`, { force: true });
      }
    },
    360_000,
  );
});
