import { describe, expect, test } from "bun:test";
import { runTool, toolEnvironment } from "../../src/host/tool.ts";

describe("another program", () => {
  test("gives its output and exit code", async () => {
    const output = await runTool(["sh", "-c", "echo out; echo err >&2; exit 3"], 60_000);
    expect(output).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
  });

  test("is not given the service manager's socket, and speaks English", () => {
    const env = { PATH: "/bin", LC_ALL: "de", NOTIFY_SOCKET: "/n", WATCHDOG_USEC: "1" };
    expect(toolEnvironment(env)).toEqual({ PATH: "/bin", LC_ALL: "C" });
  });

  test("that is not installed is undefined", async () => {
    expect(await runTool(["no-such-program-here"], 1000)).toBeUndefined();
    expect(await runTool([], 1000)).toBeUndefined();
  });

  test("that does not end is killed and gives nothing", async () => {
    expect(await runTool(["sleep", "60"], 50)).toBeUndefined();
  });

  test("that prints without end is cut", async () => {
    const output = await runTool(["sh", "-c", "yes | head -c 3000000"], 60_000);
    expect(output?.stdout.length).toBe(1 << 20);
  });
});
