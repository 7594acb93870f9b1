/**
 * The service under a real systemd: a Debian in QEMU, with everything that an operator does to it.
 * Opt-in, because it needs a Debian and some minutes: see test/README.md.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";

const debian = process.env["HFTEDGE_TEST_DEBIAN_ROOT"] ?? "";
const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
const bootMs = 1_800_000;

function whyNot(): string | null {
  if (debian === "") return "set HFTEDGE_TEST_DEBIAN_ROOT";
  if (process.getuid?.() !== 0) return "needs root, to copy a system with its owners";
  const missing = ["qemu-system-x86_64", "mkfs.ext4"].find(
    (name) => Bun.which(name, { PATH: path }) === null,
  );
  return missing === undefined ? null : `needs ${missing}`;
}

const unit = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
Environment=HOME=/root PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/opt/service-vm.sh
[Install]
WantedBy=multi-user.target
`;

/** A disk with the Debian, the program and the script, which runs at the end of the boot. */
function disk(folder: string): string {
  const root = join(folder, "root");
  const image = join(folder, "disk.img");
  Bun.spawnSync(["cp", "-a", debian, root]);
  cpSync(binaryPath(), join(root, "usr/local/bin/hftedge"));
  const script = join(root, "opt/service-vm.sh");
  cpSync(join(import.meta.dir, "../support/service-vm.sh"), script);
  chmodSync(script, 0o755);
  writeFileSync(join(root, "etc/systemd/system/service-vm.service"), unit);
  writeFileSync(join(root, "etc/fstab"), "/dev/vda / ext4 rw 0 1\n");
  const enabled = Bun.spawnSync(["chroot", root, "systemctl", "enable", "service-vm.service"]);
  const made = Bun.spawnSync(["mkfs.ext4", "-q", "-d", root, image, "1500M"], {
    env: { PATH: path },
  });
  expect([enabled.exitCode, made.exitCode]).toEqual([0, 0]);
  rmSync(root, { recursive: true, force: true });
  return image;
}

function boot(image: string): Map<string, string> {
  const files = readdirSync(join(debian, "boot"));
  const file = (name: string): string =>
    join(debian, "boot", files.find((found) => found.startsWith(name)) ?? name);
  const { stdout } = Bun.spawnSync(
    [
      "qemu-system-x86_64",
      // Software emulation everywhere: what a machine's own virtualisation lacks is no matter here.
      ..."-accel tcg,thread=multi -cpu max -smp 2 -m 2048 -no-reboot".split(" "),
      ..."-display none -serial stdio -monitor none -nic none".split(" "),
      "-drive",
      `file=${image},format=raw,if=virtio`,
      "-kernel",
      file("vmlinuz"),
      "-initrd",
      file("initrd.img"),
      "-append",
      "root=/dev/vda rw console=ttyS0 quiet panic=-1",
    ],
    { stdin: "ignore", timeout: bootMs, env: { PATH: path } },
  );
  const text = stdout.toString().replaceAll("\r", "");
  const sections = new Map<string, string>();
  for (const part of text.split(/^=== /m).slice(1)) {
    const [name = "", ...lines] = part.split("\n");
    sections.set(name, lines.join("\n"));
  }
  if (!sections.has("end")) throw new Error(text.slice(-6000));
  return sections;
}

const why = whyNot();

describe.skipIf(why !== null)(`under systemd${why === null ? "" : ` (skipped: ${why})`}`, () => {
  let sections: Map<string, string>;
  const seen = (name: string): string => sections.get(name) ?? "";

  beforeAll(() => {
    using folder = emptyDirectory();
    sections = boot(disk(folder.path));
  }, bootMs);

  test("install writes the unit and a configuration, and enables it", () => {
    expect(seen("install").match(/^exit \d+$/gm)).toEqual(["exit 4", "exit 0", "exit 0"]);
    expect(seen("install")).toMatch(/^enabled$/m);
  });

  test("it starts, says that it is ready, and has the rights that it needs and no more", () => {
    const text = seen("start");
    expect(text.match(/^exit \d+$/gm)).toEqual(["exit 0", "exit 0"]);
    for (const line of ["Type=notify", "ActiveState=active", "SubState=running", "NRestarts=0"]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/^StatusText=1 feed, 1 sink$/m);
    expect(text).toMatch(/^CapEff:\s+0000000000001000$/m);
    expect(text).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(text).toMatch(/^Seccomp:\s+2$/m);
    expect(text).toMatch(/^Uid:\s+[1-9]\d+\b/m);
    // All memory is locked, as the configuration asks.
    expect(Number(/^VmLck:\s+(\d+) kB/m.exec(text)![1])).toBeGreaterThan(50_000);
  });

  test("the sandbox leaves feed, history, HTTP, holds and the diagnosis to it", () => {
    const text = seen("feed");
    expect(text).toMatch(/"symbol":"AAA".*"signal":"(?:BUY|SELL|HOLD)"/);
    expect(text).toContain('"stage":"data_ingestion"');
    expect(text).toMatch(/^AAA is on hold$/m);
    expect(text).toMatch(/^AAA is released$/m);
    expect(text).toMatch(/"symbol":"AAA".*"held":true/);
    expect(text.match(/^exit \d+$/gm)).toEqual(["exit 0", "exit 0", "exit 0"]);
    expect(seen("diagnosis")).toContain('"id":"memory.available"');
  });

  test("the watchdog is fed as long as it lives", () => {
    expect(seen("watchdog")).toMatch(/^the same process\n0$/m);
  });

  test("systemctl reload swaps the symbols; a mistake is refused, and it goes on", () => {
    const text = seen("reload");
    expect(text.match(/^exit \d+$/gm)).toEqual(["exit 0", "exit 0"]);
    expect(text.match(/^active$/gm)).toHaveLength(2);
    expect(text).toMatch(/"symbol":"AAA".*"reason":"not followed"/);
    const log = seen("journal");
    expect(log).toContain("feed tick: 1 symbol is followed; added BBB; dropped AAA");
    expect(log).toContain("the new configuration is refused, the old one goes on");
  });

  test("frozen, it is ended by the watchdog and started again; killed, too", () => {
    expect(seen("frozen")).toContain("ActiveState=active");
    expect(seen("frozen")).toContain("NRestarts=1");
    expect(seen("journal")).toContain("Watchdog timeout");
    expect(seen("journal")).toContain("The run before ended without warning");
    expect(seen("frozen")).toContain('"symbol":"BBB"');
    expect(seen("killed")).toContain("ActiveState=active");
    expect(seen("killed")).toContain("NRestarts=2");
  });

  test("systemctl stop drains it and closes the run", () => {
    const text = seen("stop");
    for (const line of ["ActiveState=inactive", "Result=success", "ExecMainStatus=0"]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text.match(/^exit \d+$/gm)).toEqual(["exit 0", "exit 3"]);
    expect(text).toMatch(/^SIGTERM: draining$/m);
    // The next start after a clean end complains of nothing: two ends were not clean.
    expect(seen("journal").match(/The run before ended without warning/g)).toHaveLength(2);
  });

  test("a pinned feed thread gets its real-time priority", () => {
    expect(seen("realtime")).toMatch(/SCHED_FIFO/);
    expect(seen("realtime")).toMatch(/Cpus_allowed_list:\s+1$/m);
  });

  test("a mistake in the file stops the start, and the journal names it", () => {
    expect(seen("mistake")).toMatch(/^exit 1$/m);
    expect(seen("journal")).toContain("nonsense");
  });

  test("nothing of the log is noise: no signals, no messages of tools as if they were ours", () => {
    expect(seen("journal")).not.toContain('"kind":"signal"');
    expect(seen("journal")).not.toContain("reception only permitted");
  });

  test("uninstall leaves configuration and data", () => {
    expect(seen("uninstall").match(/^exit \d+$/gm)).toEqual(["exit 0", "exit 4"]);
    expect(seen("uninstall")).toContain("hftedge.toml");
    expect(seen("uninstall")).toContain("history.db");
  });
});
