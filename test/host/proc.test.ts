/** Parsers of /proc, each with text as real kernels print it. */
import { describe, expect, test } from "bun:test";
import {
  cpuTicks,
  formatCpuList,
  parseCpuList,
  parseKernelCommandLine,
  parseLimits,
  parseLoadAverage,
  parseMeminfo,
  parseNameValue,
  parsePressure,
  parseStat,
  parseStatus,
  statusBytes,
} from "../../src/host/proc.ts";

describe("/proc/stat", () => {
  const text = `cpu  2149 0 2287 179577 227 0 42 11 5 0
cpu0 692 0 824 90619 13 0 10 3 0 0
cpu1 1456 0 1463 88958 214 0 32 8 5 0
intr 164345 0 0 1 1 12 0 184 69
ctxt 345544
btime 1763900537
processes 6910
procs_running 2
procs_blocked 1
softirq 51170 0 5118 2 1512 2265 0 0 20862 0 21411
`;

  test("sum, each CPU, context switches and running tasks", () => {
    const stat = parseStat(text);
    expect(stat.cpus.map(({ cpu }) => cpu)).toEqual([-1, 0, 1]);
    expect(stat.cpus[2]).toEqual({
      cpu: 1,
      user: 1456,
      nice: 0,
      system: 1463,
      idle: 88_958,
      ioWait: 214,
      irq: 0,
      softIrq: 32,
      steal: 8,
    });
    expect(stat.contextSwitches).toBe(345_544);
    expect(stat.processesRunning).toBe(2);
    expect(stat.processesBlocked).toBe(1);
  });

  test("guest time is part of user time and is not added again", () => {
    expect(cpuTicks(parseStat(text).cpus[0]!)).toBe(2149 + 2287 + 179_577 + 227 + 42 + 11);
  });

  test("a kernel before 2.6.11 has no steal column", () => {
    expect(parseStat("cpu  10 2 3 80 5 0 0\n").cpus[0]?.steal).toBe(0);
  });

  test("nonsense gives no CPUs", () => {
    expect(parseStat("hello\n\0\n").cpus).toEqual([]);
  });
});

describe("/proc/loadavg", () => {
  test("three averages", () => {
    expect(parseLoadAverage("1.52 0.87 0.41 3/1121 24680\n")).toEqual([1.52, 0.87, 0.41]);
  });
  test("damaged text gives nothing", () => {
    expect(parseLoadAverage("")).toBeUndefined();
  });
});

describe("/proc/meminfo", () => {
  test("sizes are in bytes, counts stay counts, bracketed names keep their brackets", () => {
    const memory = parseMeminfo(`MemTotal:       24684092 kB
MemFree:        24375808 kB
MemAvailable:   24355408 kB
Active(anon):       1568 kB
HugePages_Total:       4
Hugepagesize:       2048 kB
`);
    expect(memory.get("MemAvailable")).toBe(24_355_408 * 1024);
    expect(memory.get("Active(anon)")).toBe(1568 * 1024);
    expect(memory.get("HugePages_Total")).toBe(4);
    expect(memory.size).toBe(6);
  });
});

describe("name and value files", () => {
  test("/proc/vmstat", () => {
    const vmstat = parseNameValue(
      "nr_free_pages 6093952\noom_kill 3\ncompact_stall 17\nallocstall_normal 0\n",
    );
    expect(vmstat.get("oom_kill")).toBe(3);
    expect(vmstat.get("compact_stall")).toBe(17);
  });
  test("cpu.stat of a control group", () => {
    const stat = parseNameValue("usage_usec 47732204\nnr_periods 120\nnr_throttled 7\n");
    expect(stat.get("nr_throttled")).toBe(7);
  });
});

describe("/proc/pressure", () => {
  test("some and full", () => {
    const pressure = parsePressure(
      "some avg10=1.33 avg60=1.40 avg300=0.49 total=6215898\nfull avg10=0.15 avg60=0.07 avg300=0.02 total=2000680\n",
    );
    expect(pressure.some).toEqual({ avg10: 1.33, avg60: 1.4, avg300: 0.49, totalUs: 6_215_898 });
    expect(pressure.full?.totalUs).toBe(2_000_680);
  });
  test("before 5.13 the CPU's file has no full line", () => {
    const pressure = parsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n");
    expect(pressure.full).toBeUndefined();
    expect(pressure.some?.totalUs).toBe(12);
  });
});

describe("CPU lists", () => {
  test.each([
    ["0-3,8,10-11", [0, 1, 2, 3, 8, 10, 11]],
    ["5", [5]],
    ["", []],
    ["0-15:2/4", [0, 1, 4, 5, 8, 9, 12, 13]],
    ["(null)", []],
    ["3,1,1-2\n", [1, 2, 3]],
  ])("%p", (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  test("a damaged range is bounded", () => {
    expect(parseCpuList("0-4000000000").length).toBe(8192);
  });

  test("formatting is the inverse", () => {
    for (const text of ["0-3,8,10-11", "5", "", "0,2,4-6"]) {
      expect(formatCpuList(parseCpuList(text))).toBe(text);
    }
  });
});

describe("/proc/cmdline", () => {
  test("parameters, switches, repetitions and quotes", () => {
    const parameters = parseKernelCommandLine(
      'BOOT_IMAGE=/vmlinuz-6.1.0 root=UUID=1-2 ro quiet isolcpus=managed_irq,domain,2-3 console=tty0 console=ttyS0 dyndbg="file a.c +p"\n',
    );
    expect(parameters.get("isolcpus")).toEqual(["managed_irq,domain,2-3"]);
    expect(parameters.get("root")).toEqual(["UUID=1-2"]);
    expect(parameters.get("quiet")).toEqual([""]);
    expect(parameters.get("console")).toEqual(["tty0", "ttyS0"]);
    expect(parameters.get("dyndbg")).toEqual(["file a.c +p"]);
  });
});

describe("/proc/PID/limits", () => {
  const limits =
    parseLimits(`Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max core file size        0                    unlimited            bytes     
Max open files            20000                524288               files     
Max locked memory         8388608              8388608              bytes     
Max nice priority         0                    0                    
Max realtime priority     0                    50                   
Max realtime timeout      unlimited            unlimited            us        
`);
  test("soft and hard, with and without units", () => {
    expect(limits.get("Max open files")).toEqual({ soft: 20_000, hard: 524_288 });
    expect(limits.get("Max realtime priority")).toEqual({ soft: 0, hard: 50 });
    expect(limits.get("Max cpu time")).toEqual({ soft: Infinity, hard: Infinity });
    expect(limits.size).toBe(7);
  });
});

describe("/proc/PID/status", () => {
  const status = parseStatus(`Name:	llama-server
Umask:	0022
State:	S (sleeping)
VmLck:	   18456 kB
VmSwap:	       0 kB
Threads:	11
Cpus_allowed_list:	0-1
`);
  test("words and sizes", () => {
    expect(status.get("Name")).toBe("llama-server");
    expect(status.get("State")).toBe("S (sleeping)");
    expect(statusBytes(status, "VmLck")).toBe(18_456 * 1024);
    expect(statusBytes(status, "VmSwap")).toBe(0);
    expect(statusBytes(status, "Threads")).toBeUndefined();
    expect(statusBytes(status, "VmPin")).toBeUndefined();
  });
});
