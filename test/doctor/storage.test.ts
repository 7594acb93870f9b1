/** The data directory, on real directories of this machine. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noNeeds, systemClock, type ProbeContext } from "../../src/doctor/context.ts";
import { diagnose, type Diagnosis } from "../../src/doctor/diagnose.ts";
import { isFinding, type Outcome } from "../../src/doctor/finding.ts";
import { spaceFinding } from "../../src/doctor/storage.ts";
import { throughput } from "../../src/doctor/storage-write.ts";
import { fakeRoot } from "../support/fake-root.ts";

const made = mkdtempSync(join(tmpdir(), "hftedge-data-"));
afterAll(() => rmSync(made, { recursive: true, force: true }));

function mountinfo(fileSystem: string, options = "rw,relatime"): string {
  return `27 1 254:0 / / ${options} - ${fileSystem} /dev/vda rw\n`;
}

async function examine(
  files: Readonly<Record<string, string>>,
  dataDirectory = made,
  more: {
    during?: Record<string, string>;
    flushNs?: number;
    throughput?: boolean;
    measuresDisk?: boolean;
  } = {},
): Promise<Diagnosis> {
  const root = fakeRoot(files);
  let nowNs = 0;
  return await diagnose({
    root: root.path,
    areas: ["storage"],
    measuresDisk: more.measuresDisk ?? true,
    throughput: more.throughput ?? false,
    needs: { ...noNeeds, dataDirectory },
    clock: {
      ...systemClock,
      nowNs: () => (nowNs += more.flushNs ?? 1000),
      // However slow this machine's disk is: no limit is over before the test says so.
      after: () => () => undefined,
      sleep: (ms) => {
        nowNs += ms * 1e6;
        root.write(more.during ?? {});
        return Promise.resolve();
      },
    },
  });
}

function severityOf({ findings }: Diagnosis, id: string): string | undefined {
  return findings.find((finding) => finding.id === id)?.severity;
}

describe("space", () => {
  const gib = 2 ** 30;
  test.each([
    [100 * gib, 500 * gib, "ok"],
    [20 * gib, 500 * gib, "warning"],
    [1 * gib, 10 * gib, "warning"],
    [0.1 * gib, 10 * gib, "critical"],
  ] as const)("%d of %d bytes is %s", (free, total, severity) => {
    const outcome: Outcome = spaceFinding(free, total, "/data");
    expect(isFinding(outcome) && outcome.severity).toBe(severity);
    if (isFinding(outcome) && severity !== "ok") expect(outcome.remedy).toContain("df -h /data");
  });
});

describe("file system", () => {
  test.each([
    ["ext4", "ok"],
    ["xfs", "ok"],
    ["tmpfs", "note"],
    ["overlay", "note"],
    ["nfs4", "warning"],
  ])("%s is %s", async (kind, severity) => {
    const diagnosis = await examine({ "proc/self/mountinfo": mountinfo(kind) });
    expect(severityOf(diagnosis, "storage.file-system")).toBe(severity);
  });

  test("read-only is critical, and nothing is written", async () => {
    const diagnosis = await examine({ "proc/self/mountinfo": mountinfo("ext4", "ro") });
    expect(severityOf(diagnosis, "storage.file-system")).toBe("critical");
    expect(severityOf(diagnosis, "storage.flush")).toBeUndefined();
  });
});

describe("small synchronous writes", () => {
  test("are timed, bounded, and leave nothing behind", async () => {
    const diagnosis = await examine({});
    const found = diagnosis.findings.find(({ id }) => id === "storage.flush");
    expect(found?.severity).toBe("ok");
    expect(found?.values["writes"]).toBe(16);
    expect(readdirSync(made)).toEqual([]);
  });

  test("a disk that takes 80 ms is a warning, and the probe stops at its budget", async () => {
    const diagnosis = await examine({}, made, { flushNs: 80e6 });
    const found = diagnosis.findings.find(({ id }) => id === "storage.flush");
    expect(found?.severity).toBe("warning");
    expect(found?.evidence).toContain("median 80.0 ms");
    expect(found?.values["writes"]).toBeLessThan(6);
    expect(found?.remedy).toContain(`findmnt -T ${made}`);
  });

  test("a directory that no run has made is not made", async () => {
    const path = join(made, "not", "yet");
    const diagnosis = await examine({}, path);
    expect(diagnosis.notApplicable.map(({ id }) => id)).toContain("storage.flush");
    expect(readdirSync(made)).toEqual([]);
  });

  test("what a killed examination left is overwritten, and a link is not followed", async () => {
    const path = join(made, "left");
    mkdirSync(path);
    writeFileSync(join(path, ".hftedge-doctor"), "x".repeat(100_000));
    expect(severityOf(await examine({}, path), "storage.flush")).toBe("ok");
    expect(readdirSync(path)).toEqual([]);

    const victim = join(made, "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, join(path, ".hftedge-doctor"));
    expect(severityOf(await examine({}, path), "storage.flush")).toBe("critical");
    expect(readFileSync(victim, "utf8")).toBe("precious");
    rmSync(victim);
    rmSync(path, { recursive: true });
  });

  test("a disk that does not answer in time is critical, and the other findings stand", async () => {
    const root = fakeRoot({ "proc/self/mountinfo": mountinfo("ext4") });
    let limits = 0;
    const clock = {
      ...systemClock,
      sleep: () => Promise.resolve(),
      // The second limit that is set within the probe's own, which is the writes', is over at once.
      after: (ms: number, run: () => void) => {
        if (ms < 5000 && ++limits === 2) run();
        return () => undefined;
      },
    };
    // A folder of its own: the writes go on for a moment after nobody waits for them.
    const needs = { ...noNeeds, dataDirectory: fakeRoot().path };
    const options = { root: root.path, areas: ["storage"] as const, measuresDisk: true };
    const diagnosis = await diagnose({ ...options, needs, clock });
    expect(diagnosis.incomplete).toEqual([]);
    const found = diagnosis.findings.find(({ id }) => id === "storage.flush");
    expect(found?.severity).toBe("critical");
    expect(found?.evidence).toBe("A write failed: no answer within 4000 ms.");
    expect(severityOf(diagnosis, "storage.file-system")).toBe("ok");
  });

  test("a path that cannot be written to is reported, not thrown", async () => {
    const path = join(made, "full");
    mkdirSync(path);
    // A directory in the way of the probe's file stands for every refusal of the file system.
    mkdirSync(join(path, ".hftedge-doctor"));
    const diagnosis = await examine({}, path);
    rmSync(path, { recursive: true });
    expect(severityOf(diagnosis, "storage.flush")).toBe("critical");
  });
});

function diskLine(writes: number, writeMs: number, busyMs: number): string {
  return ` 254       0 vda 10 0 80 5 ${writes} 0 800 ${writeMs} 0 ${busyMs} 10 0 0 0 0 0 0\n`;
}

describe("the device", () => {
  test("that is busy all the time is a warning", async () => {
    const diagnosis = await examine(
      { "proc/self/mountinfo": mountinfo("ext4"), "proc/diskstats": diskLine(100, 50, 1000) },
      made,
      { during: { "proc/diskstats": diskLine(140, 450, 1490) } },
    );
    const found = diagnosis.findings.find(({ id }) => id === "storage.device");
    expect(found?.severity).toBe("warning");
    expect(found?.evidence).toBe(
      "vda was busy 98.0 % of the time: 40 writes at 10.0 ms on average, 0 reads.",
    );
    expect(found?.remedy).toContain("iotop");
  });
});

describe("throughput", () => {
  test("is measured only when asked for, in bounds, and leaves nothing behind", async () => {
    expect(severityOf(await examine({}), "storage.throughput")).toBeUndefined();
    const diagnosis = await examine({}, made, { throughput: true, flushNs: 100e6 });
    const found = diagnosis.findings.find(({ id }) => id === "storage.throughput");
    // The clock jumps 100 ms at each look, so that the budget of 2 s ends it early.
    expect(found?.values["writtenBytes"]).toBeLessThan(64 << 20);
    expect(found?.severity).toBe("warning");
    expect(readdirSync(made)).toEqual([]);
  });

  test("that is refused is a finding, and the other findings stand", async () => {
    const path = join(made, "refused");
    mkdirSync(path);
    mkdirSync(join(path, ".hftedge-doctor"));
    const diagnosis = await examine({ "proc/self/mountinfo": mountinfo("ext4") }, path, {
      throughput: true,
    });
    rmSync(path, { recursive: true });
    expect(diagnosis.incomplete).toEqual([]);
    expect(severityOf(diagnosis, "storage.file-system")).toBe("ok");
    expect(severityOf(diagnosis, "storage.throughput")).toBe("critical");
  });

  test("is not written to a disk that is nearly full", async () => {
    let nowNs = 0;
    const clock = { ...systemClock, nowNs: () => (nowNs += 1e9) };
    const context = { clock } as ProbeContext;
    const outcome = await throughput(context, join(made, "absent"), 300 << 20);
    expect(isFinding(outcome)).toBe(false);
    expect(outcome).toMatchObject({ reason: "only 300 MiB are free, and it would write 64.0 MiB" });
    expect(isFinding(await throughput(context, made, 400 << 20))).toBe(true);
  });
});

describe("a stand-in root", () => {
  test("is only read: this machine's directory of the same name is left alone", async () => {
    const files = { "proc/self/mountinfo": mountinfo("ext4") };
    const { mtimeMs } = statSync(made);
    const diagnosis = await examine(files, made, { throughput: true, measuresDisk: false });
    expect(diagnosis.findings.map(({ id }) => id)).toEqual(["storage.file-system"]);
    // What is there is asked of the stand-in, which has no such directory.
    expect(diagnosis.findings[0]?.subject).toBe("/");
    expect(diagnosis.notApplicable.map(({ id }) => id)).toContain("storage.space");
    expect(statSync(made).mtimeMs).toBe(mtimeMs);
  });

  test("is what the doctor takes for one without being told", async () => {
    const root = fakeRoot({ "proc/self/mountinfo": mountinfo("ext4") });
    const needs = { ...noNeeds, dataDirectory: made };
    const { notApplicable } = await diagnose({
      root: root.path,
      windowMs: 1,
      areas: ["storage"],
      needs,
    });
    expect(notApplicable.filter(({ id }) => id === "storage.flush")).toMatchObject([
      { reason: "a stand-in root is only read" },
    ]);
  });
});
