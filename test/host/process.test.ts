import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { findProcesses, parseEnvironment } from "../../src/host/process.ts";
import { statusBytes } from "../../src/host/proc.ts";
import { fakeRoot } from "../support/fake-root.ts";

describe("/proc/PID/environ", () => {
  test("values keep their equals signs, and empty words are no variables", () => {
    const variables = parseEnvironment("A=1\0B=x=y\0\0=C\0D=\0");
    expect([...variables]).toEqual([
      ["A", "1"],
      ["B", "x=y"],
      ["D", ""],
    ]);
  });
});

describe("processes by name", () => {
  const root = fakeRoot({
    "proc/1/comm": "systemd\n",
    "proc/900/comm": "llama-server\n",
    "proc/900/environ": "CUDA_VISIBLE_DEVICES=GPU-1\0",
    "proc/900/status": "Name:\tllama-server\nVmRSS:\t 2048 kB\n",
    "proc/31/comm": "ollama\n",
    "proc/self/comm": "ollama\n",
    "proc/sys/kernel/ostype": "Linux\n",
  });

  test("are found in order of pid, once each", () => {
    const found = findProcesses(root.host, ["ollama", "llama-server"]);
    expect(found.map(({ pid, name }) => [pid, name])).toEqual([
      [31, "ollama"],
      [900, "llama-server"],
    ]);
    expect(found[1]?.environment?.get("CUDA_VISIBLE_DEVICES")).toBe("GPU-1");
    expect(statusBytes(found[1]!.status, "VmRSS")).toBe(2048 * 1024);
  });

  test("an environment that is not there is undefined, not empty", () => {
    expect(findProcesses(root.host, ["ollama"])[0]?.environment).toBeUndefined();
  });

  test.skipIf(process.getuid?.() === 0)("nor one that may not be read", () => {
    chmodSync(join(root.path, "proc/900/environ"), 0);
    expect(findProcesses(root.host, ["llama-server"])[0]?.environment).toBeUndefined();
  });
});
