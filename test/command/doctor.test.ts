/** The command as people and scripts run it, on a stand-in machine. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnosis } from "../../src/doctor/diagnose.ts";
import type { ConnectReport } from "../../src/doctor/connect.ts";
import { severityExitCode } from "../../src/command/doctor.ts";
import { binaryPath } from "../support/binary.ts";
import { fakeRoot } from "../support/fake-root.ts";
import { healthyFiles, meminfo } from "../support/fake-box.ts";
import { OllamaServer } from "../support/ollama-server.ts";

const folder = mkdtempSync(join(tmpdir(), "hftedge-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const healthy = fakeRoot(healthyFiles);
const starved = fakeRoot({ ...healthyFiles, "proc/meminfo": meminfo(900_000) });
const noted = fakeRoot({ ...healthyFiles, "proc/loadavg": "9.00 1.00 1.00 1/2 3\n" });

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

function spawn(args: readonly string[], env: Record<string, string> = {}) {
  return Bun.spawn([binaryPath(), "doctor", "--window", "20", ...args], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      STATE_DIRECTORY: folder,
      HFTEDGE_INFERENCE_ENGINE: "rules",
      ...env,
    },
  });
}

async function doctor(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const child = spawn(args, env);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

describe("hftedge doctor", () => {
  test("prints a table without colours into a pipe", async () => {
    const { code, stdout, stderr } = await doctor(["--root", healthy.path]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toContain("memory  (6 ok)");
    expect(stdout).toMatch(/\n(?:1 note, )?\d+ ok; rates over \d+ ms\n$/);
  });

  test("--json is one document whose numbers are all numbers", async () => {
    const { stdout } = await doctor(["--root", starved.path, "--json"]);
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    const [first] = diagnosis.findings;
    expect(diagnosis.worst).toBe("critical");
    expect(first).toMatchObject({ id: "memory.available", area: "memory", severity: "critical" });
    expect(first?.remedy).not.toBe("");
    for (const { values, severity, evidence, why } of diagnosis.findings) {
      expect(["ok", "note", "warning", "critical"]).toContain(severity);
      expect(Object.values(values)).not.toContain(null as unknown as number);
      expect(evidence).not.toMatch(/NaN|undefined|Infinity/);
      expect(why).not.toBe("");
    }
  });

  test("this machine can be examined, whatever it is", async () => {
    const { code, stdout } = await doctor(["--json", "--passive"]);
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(code).toBe(0);
    expect(diagnosis.incomplete).toEqual([]);
    expect(diagnosis.findings.length).toBeGreaterThan(5);
    for (const { values, evidence } of diagnosis.findings) {
      expect(Object.values(values)).not.toContain(null as unknown as number);
      expect(evidence).not.toMatch(/NaN|undefined/);
    }
  });

  test("asks the configured Ollama as a run would", async () => {
    const server = await new OllamaServer().start();
    const env = { HFTEDGE_INFERENCE_ENGINE: "ollama", HFTEDGE_INFERENCE_HOSTS: server.url };
    const args = ["--root", healthy.path, "--area", "ollama", "--json"];
    const cold = JSON.parse((await doctor(args, env)).stdout) as Diagnosis;
    expect(cold.findings[0]).toMatchObject({ id: "ollama.model", severity: "warning" });
    expect(server.loadsStarted).toBe(0);

    const warm = { model: server.model, keep_alive: -1, options: { num_ctx: 1024 } };
    await fetch(`${server.url}/api/generate`, { method: "POST", body: JSON.stringify(warm) });
    const { stdout } = await doctor(args, env);
    await server.stop();
    const ids = (JSON.parse(stdout) as Diagnosis).findings.map(({ id, severity }) => [
      id,
      severity,
    ]);
    expect(ids).toContainEqual(["ollama.model", "ok"]);
    expect(ids).toContainEqual(["ollama.warm", "ok"]);
    // The preload above and the run's request have the same options, so nothing was loaded again.
    expect(server.loadsStarted).toBe(1);
  });

  test("colours come and go as asked", async () => {
    const area = ["--root", starved.path, "--area", "memory"];
    expect((await doctor(area, { FORCE_COLOR: "1" })).stdout).toContain("\x1b[");
    expect((await doctor(area, { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain("\x1b");
  });

  test("--area limits the examination, and an unknown one is refused", async () => {
    const { stdout } = await doctor(["--root", healthy.path, "--area", "clock,memory", "--json"]);
    const areas = new Set((JSON.parse(stdout) as Diagnosis).findings.map(({ area }) => area));
    expect([...areas].toSorted()).toEqual(["clock", "memory"]);
    const refused = await doctor(["--area", "weather"]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("Choose from system, memory");
  });

  test("an invalid configuration is a finding, and the rest is examined all the same", async () => {
    const file = join(folder, "bad.toml");
    writeFileSync(file, '[data]\ndirectory = 7\n[http]\nlisten = "nowhere"\n');
    const { stdout } = await doctor(["--root", healthy.path, "--config", file, "--json"]);
    const { findings } = JSON.parse(stdout) as Diagnosis;
    expect(findings[0]).toMatchObject({ id: "config.file", severity: "critical" });
    expect(findings[0]?.evidence).toContain("http.listen");
    expect(findings.length).toBeGreaterThan(10);
  });
});

describe("tuned settings", () => {
  test("are compared by the program itself, in the same stand-in machine", async () => {
    const { stdout } = await doctor(["--root", healthy.path, "--area", "tune", "--json"]);
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(diagnosis.incomplete).toEqual([]);
    expect(diagnosis.findings[0]).toMatchObject({ id: "tune.drift", values: { applied: false } });
  });
});

describe("exit codes", () => {
  test("stay 0 unless they are asked for", async () => {
    expect((await doctor(["--root", starved.path])).code).toBe(0);
  });

  test("follow the severity when they are", async () => {
    const area = ["--area", "memory,system", "--exit-code"];
    expect((await doctor(["--root", starved.path, ...area])).code).toBe(2);
    expect((await doctor(["--root", noted.path, ...area])).code).toBe(0);
    expect((await doctor(["--root", noted.path, ...area, "note"])).code).toBe(1);
  });

  test.each([
    ["ok", "note", 0],
    ["note", "warning", 0],
    ["note", "note", 1],
    ["warning", "warning", 1],
    ["warning", "critical", 0],
    ["critical", "critical", 2],
    ["critical", "note", 2],
  ] as const)("%s from %s on is %d", (worst, from, code) => {
    expect(severityExitCode(worst, from)).toBe(code);
  });
});

describe("--watch", () => {
  test("prints one document a line until it is interrupted", async () => {
    const child = spawn(["--root", healthy.path, "--json", "--watch", "0.05", "--area", "memory"]);
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (text.split("\n").length > 3) {
        child.kill("SIGINT");
        break;
      }
    }
    expect(await child.exited).toBe(0);
    const documents = text.split("\n").slice(0, 3);
    for (const line of documents) expect((JSON.parse(line) as Diagnosis).worst).toBe("ok");
  });
});

describe("--probe", () => {
  test("measures connects to a server that listens", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const target = `127.0.0.1:${port}`;
    const { code, stdout } = await doctor(["--probe", target, "--count", "5", "--json"]);
    const report = JSON.parse(stdout) as ConnectReport;
    expect(code).toBe(0);
    expect(report).toMatchObject({ address: "127.0.0.1", port, count: 5, failed: 0 });
    expect(report.minNs).toBeGreaterThan(0);

    await new Promise((resolve) => server.close(resolve));
    const refused = await doctor(["--probe", target, "--count", "2"]);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe(`${target}: 0 of 2 connects\n  failed: 2 × ECONNREFUSED\n`);
  });

  test("refuses what is no target and what is no count", async () => {
    const target = await doctor(["--probe", "nowhere"]);
    expect(target.code).not.toBe(0);
    expect(target.stderr).toContain("Give HOST:PORT.");
    const count = await doctor(["--probe", "127.0.0.1:1", "--count", "10001"]);
    expect(count.stderr).toContain("Give a whole number from 1 to 10000.");
  });
});
