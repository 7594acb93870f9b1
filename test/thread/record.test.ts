/** What was recorded is what came in: through the ring, the files, and our own reader of captures. */
import { describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordRing } from "../../src/feed/record-ring.ts";
import { openSource } from "../../src/replay/open.ts";
import { Recording } from "../../src/thread/ops-record.ts";
import { descriptionPath, recordRingSize, sourceOf } from "../../src/thread/record-file.ts";
import { readDescription } from "../../src/thread/recording-read.ts";
import { EngineRig } from "../support/engine-rig.ts";
import { mountRefusal, smallDisk } from "../support/small-disk.ts";
import { drain, openOptions } from "../support/source.ts";

const run = "0000018f00000000";

function withRecording(
  flags: Record<string, string>,
  use: (parts: {
    rig: EngineRig;
    ring: RecordRing;
    recording: Recording;
    directory: string;
    said: string[];
  }) => Promise<void> | void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "hftedge-record-"));
  const rig = new EngineRig({
    flags: { "record.enabled": "true", "record.directory": directory, ...flags },
  });
  const said: string[] = [];
  const complain = (text: string): void => void said.push(text);
  const recording = new Recording(rig.plan, run, rig.shared.record, complain);
  const ring = new RecordRing(rig.shared.record, recordRingSize(rig.plan.config));
  const parts = { rig, ring, recording, directory, said };
  return Promise.resolve(use(parts)).finally(() => {
    rmSync(directory, { recursive: true, force: true });
  });
}

async function datagramsIn(path: string) {
  const source = await openSource(path, openOptions(), 1);
  return await drain(source);
}

describe("a recording", () => {
  test("has every datagram byte for byte, with its receive time to the nanosecond", () =>
    withRecording({}, async ({ rig, recording, directory }) => {
      rig.book("AAPL", 900, 100);
      rig.nowNs += 123_456_789;
      rig.heartbeat();
      rig.raw(Buffer.from("not a packet"));
      recording.close(0);
      const { datagrams, source } = await datagramsIn(join(directory, `${run}-000000.pcapng`));
      expect(datagrams).toHaveLength(3);
      expect(datagrams[0]!.bytes).toContain("RIG");
      expect(datagrams[1]!.bytes).toHaveLength(20);
      expect(datagrams[1]!.timeNs).toBe(123_456_789 + rig.queuedNs);
      expect(datagrams[2]!.bytes).toBe("not a packet");
      expect(source.originMs).toBe(rig.plan.baseSeconds * 1000 + 10_000);
      expect(recording.counts).toMatchObject({ datagrams: 3, lost: 0, files: 1 });
    }));

  test("can be told apart by where its lines are sent to", () =>
    withRecording({}, async ({ ring, recording, directory }) => {
      ring.put(sourceOf(0, 0), Buffer.from("line"), 4, 0);
      ring.put(sourceOf(0, 1), Buffer.from("answers"), 7, 1);
      recording.close(0);
      const line = { address: Uint8Array.of(127, 0, 0, 1), port: 26_400 };
      const path = join(directory, `${run}-000000.pcapng`);
      const source = await openSource(path, openOptions({ destinations: [line] }), 1);
      expect((await drain(source)).datagrams.map(({ bytes }) => bytes)).toEqual(["line"]);
    }));

  test("is a bounded ring of files, with the description of its run and no secrets", () =>
    withRecording(
      {
        "record.fileBytes": "1048576",
        "record.files": "3",
        "http.token": "a-very-secret-token",
      },
      async ({ ring, recording, directory }) => {
        const bytes = Buffer.alloc(60_000, 0x61);
        for (let i = 0; i < 120; i++) {
          ring.put(0, bytes, bytes.length, i);
          if (i % 10 === 9) recording.drain(i);
        }
        recording.close(0);
        const names = readdirSync(directory).toSorted();
        expect(names.filter((name) => name.endsWith(".pcapng"))).toHaveLength(3);
        expect(names.at(-1)).toBe(`${run}.json`);
        for (const name of names) {
          expect(statSync(join(directory, name)).size).toBeLessThan(1_048_576 * 2.2);
        }
        const last = await datagramsIn(join(directory, names.at(-2)!));
        expect(last.error).toBeUndefined();
        const text = readFileSync(join(directory, `${run}.json`), "utf8");
        expect(text).not.toContain("a-very-secret-token");
        expect(statSync(join(directory, `${run}.json`)).mode & 0o777).toBe(0o600);
      },
    ));

  test("goes on behind its files when its thread was started again", () =>
    withRecording({}, async ({ rig, ring, recording, directory }) => {
      ring.put(0, Buffer.from("before"), 6, 0);
      recording.close(0);
      const next = new Recording(rig.plan, run, rig.shared.record, () => {});
      ring.put(0, Buffer.from("after"), 5, 1);
      next.close(0);
      const { datagrams } = await datagramsIn(join(directory, `${run}-000001.pcapng`));
      expect(datagrams.map(({ bytes }) => bytes)).toEqual(["after"]);
    }));

  test("on a disk that refuses pauses, says so once, and counts what is lost", () =>
    withRecording({ "record.directory": "/dev/null/nowhere" }, ({ ring, recording, said }) => {
      for (let i = 0; i < 5; i++) {
        ring.put(0, Buffer.from("x"), 1, i);
        recording.drain(i);
      }
      expect(recording.counts).toMatchObject({ datagrams: 0, lost: 5 });
      expect(said).toHaveLength(1);
      expect(said[0]).toContain("record.enabled = false");
      ring.put(0, Buffer.from("x"), 1, 9);
      recording.drain(20_000);
      expect(said).toHaveLength(2);
    }));

  test.skipIf(mountRefusal() !== undefined)(
    "on a full disk leaves no empty files behind, which would push out full ones",
    async () => {
      using disk = smallDisk(1_048_576)!;
      await withRecording({ "record.directory": disk.path }, ({ ring, recording, said }) => {
        ring.put(0, Buffer.from("before"), 6, 0);
        recording.drain(0);
        const { bavail, bsize } = statfsSync(disk.path);
        writeFileSync(join(disk.path, "filler"), new Uint8Array(bavail * bsize));
        const long = Buffer.alloc(10_000, 0x61);
        for (let i = 0; i < 5; i++) {
          ring.put(0, long, long.length, i);
          recording.drain(i * 20_000);
        }
        expect(said).toHaveLength(5);
        const recorded = (): string[] =>
          readdirSync(disk.path).filter((name) => name.endsWith(".pcapng"));
        expect(recorded()).toEqual([`${run}-000000.pcapng`]);
        rmSync(join(disk.path, "filler"));
        ring.put(0, long, long.length, 9);
        recording.drain(200_000);
        recording.close(200_000);
        expect(recorded().toSorted()).toEqual([`${run}-000000.pcapng`, `${run}-000001.pcapng`]);
      });
    },
  );
});

describe("the description of a recorded run", () => {
  test("is its configuration", () =>
    withRecording({ "signal.ttlMs": "1234" }, ({ ring, recording, directory }) => {
      ring.put(0, Buffer.from("x"), 1, 0);
      recording.close(0);
      expect(readDescription(directory, run)?.signal.ttlMs).toBe(1234);
    }));

  test("that a full disk has cut is none", () =>
    withRecording({}, ({ directory }) => {
      expect(readDescription(directory, run)).toBeUndefined();
      for (const text of ["", '{"runId":1,"config":{"fe', "null", "7", '{"config":{"feed":7}}']) {
        writeFileSync(descriptionPath(directory, run), text);
        expect(readDescription(directory, run)).toBeUndefined();
      }
    }));
});
