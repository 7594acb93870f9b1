import { describe, expect, test } from "bun:test";
import { mountOf, parseDiskstats, parseMountinfo } from "../../src/host/disk.ts";

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard,errors=remount-ro
30 25 0:27 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684092k
61 27 259:3 / /var/lib rw,noatime shared:5 master:2 - xfs /dev/nvme0n1p3 rw,attr2,inode64
70 27 0:45 / /mnt/two\\040words rw - nfs4 10.0.0.1:/export rw,vers=4.2
71 61 0:50 / /var/lib rw - overlay overlay rw,lowerdir=/a
`;

describe("/proc/self/mountinfo", () => {
  const mounts = parseMountinfo(mountinfo);

  test("optional fields, escapes and both kinds of options", () => {
    expect(mounts).toHaveLength(6);
    expect(mounts[3]).toEqual({
      device: "259:3",
      path: "/var/lib",
      options: ["rw", "noatime", "attr2", "inode64"],
      fileSystem: "xfs",
      source: "/dev/nvme0n1p3",
    });
    expect(mounts[4]?.path).toBe("/mnt/two words");
  });

  test("the longest prefix holds a path, and of two at one place the later covers", () => {
    expect(mountOf(mounts, "/var/lib/hftedge")?.fileSystem).toBe("overlay");
    expect(mountOf(mounts, "/var/library")?.path).toBe("/");
    expect(mountOf(mounts, "/dev/shm")?.fileSystem).toBe("tmpfs");
    expect(mountOf([], "/x")).toBeUndefined();
  });
});

describe("/proc/diskstats", () => {
  test("with the flush columns of Linux 5.5", () => {
    const disks = parseDiskstats(
      " 259       0 nvme0n1 71203 12 5127362 9821 192034 88123 9127364 81234 0 70123 98213 0 0 0 0 20123 7158\n",
    );
    expect(disks.get("259:0")).toEqual({
      device: "259:0",
      name: "nvme0n1",
      reads: 71_203,
      readMs: 9821,
      writes: 192_034,
      writeMs: 81_234,
      busyMs: 70_123,
      flushes: 20_123,
      flushMs: 7158,
    });
  });
  test("without them, flushes are 0", () => {
    const disks = parseDiskstats("   8       0 sda 1 0 8 2 3 0 24 4 0 5 6\n");
    expect(disks.get("8:0")?.writes).toBe(3);
    expect(disks.get("8:0")?.flushes).toBe(0);
  });
});
