import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import type { MachineNeeds } from "../../src/doctor/context.ts";
import { machineNeeds } from "../../src/thread/machine-need.ts";

function needs(env: Readonly<Record<string, string>>): MachineNeeds {
  return machineNeeds(
    loadConfig({
      flags: {},
      env: { STATE_DIRECTORY: "/var/lib/hftedge", ...env },
      directory: "/nonexistent",
      userId: 1000,
      systemFile: "/nonexistent/hftedge.toml",
    }),
    ["hftedge"],
  );
}

describe("what a configuration asks of the machine", () => {
  test("by default: loopback, the default port and the default model", () => {
    const { ollama, ...rest } = needs({});
    expect(rest).toEqual({
      dataDirectory: "/var/lib/hftedge",
      interfaces: ["lo"],
      ports: [26_400],
      multicastGroups: 0,
      feedCpus: [],
      receiveBufferBytes: 33_554_432,
      drift: expect.any(Function),
      config: { file: "defaults, environment and flags", problems: [] },
    });
    expect(ollama).toMatchObject({ model: "llama3.2:3b", contextLength: 1024, inFlight: 1 });
  });

  test("two multicast lines: their interfaces, groups and port, each once", () => {
    const found = needs({
      HFTEDGE_FEED:
        "udp://233.54.12.111:26400?format=itch50&name=a&interface=eth1,udp://233.49.196.111:26400?format=itch50&name=b&interface=eth2",
      HFTEDGE_THREAD_FEED_CPU: "3",
    });
    expect(found.interfaces).toEqual(["eth1", "eth2"]);
    expect(found.ports).toEqual([26_400]);
    expect(found.multicastGroups).toBe(2);
    expect(found.feedCpus).toEqual([3]);
  });

  test("an interface given by its address is not taken for a name", () => {
    const found = needs({ HFTEDGE_FEED: "udp://233.54.12.111:26400?interface=10.1.2.3" });
    expect(found.interfaces).toEqual([]);
  });

  test("the request is the run's own, with every option that makes Ollama reload", () => {
    const { ollama } = needs({
      HFTEDGE_INFERENCE_OPTIONS_NUM_THREAD: "8",
      HFTEDGE_INFERENCE_OPTIONS_NUM_CTX: "2048",
      HFTEDGE_INFERENCE_PARALLEL: "4",
    });
    expect(ollama?.contextLength).toBe(2048);
    expect(ollama?.inFlight).toBe(4);
    const body = ollama?.body("words") as { prompt: string; options: Record<string, unknown> };
    expect(body.prompt).toBe("words");
    expect(body.options).toMatchObject({ num_thread: 8, num_ctx: 2048, num_predict: 1 });
    expect(Object.values(body.options)).not.toContain("server");
  });

  test("rules need no server", () => {
    expect(needs({ HFTEDGE_INFERENCE_ENGINE: "rules" }).ollama).toBeUndefined();
  });
});
