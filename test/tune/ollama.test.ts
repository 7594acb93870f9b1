/** Ollama is restarted only when told or when it serves nothing, and verified by its process. */
import { describe, expect, test } from "bun:test";
import { apply } from "../../src/tune/apply.ts";
import { statusCode } from "../../src/tune/status.ts";
import { fakeServer, gpuUuid, request } from "./support/fake-server.ts";
import { applied, itemOf, reverted, status } from "./support/run.ts";

const path = "/etc/systemd/system/ollama.service.d/60-hftedge.conf";
const restart = "systemctl restart ollama.service";
const environment = [
  "OLLAMA_KEEP_ALIVE=-1",
  "OLLAMA_NUM_PARALLEL=1",
  "OLLAMA_MAX_LOADED_MODELS=1",
  "OLLAMA_CONTEXT_LENGTH=1024",
  "OLLAMA_NO_CLOUD=1",
  "LLAMA_ARG_CACHE_RAM=0",
  `CUDA_VISIBLE_DEVICES=${gpuUuid}`,
];

describe("ollama", () => {
  test("getsADropInWithTheGpuByUuid", async () => {
    using server = fakeServer();
    await applied(server.machine);
    const text = server.machine.read(path)!;
    for (const line of environment) expect(text).toContain(`Environment=${line}\n`);
    expect(text).toContain("LimitMEMLOCK=infinity\nCPUAffinity=0-2,4-6\n");
  });

  test("thatServesAModelIsNotRestartedAndStaysPendingUntilSomebodyDoes", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[{"name":"llama3.2:3b"}]}';
    const report = await applied(machine);
    expect(machine.commands).not.toContain(restart);
    expect(report.steps).toContainEqual({
      command: restart,
      state: "owed",
      words: "ollama serves a model: --restart restarts it",
    });
    expect(report.failed).toBe(false);
    expect(statusCode(status(machine))).toBe(3);

    // Somebody restarts it by hand.
    machine.alter((state) => {
      state.units["ollama.service"]!.pid = 777;
    });
    machine.put("/proc/777/environ", `${environment.join("\0")}\0`);
    expect(itemOf(status(machine).plan, "ollama.gpu")).toMatchObject({
      state: "in sync",
      live: gpuUuid,
    });
    expect(statusCode(status(machine))).toBe(0);
  });

  test("whoseProcessLacksAVariableIsPendingEvenAfterARestart", async () => {
    using server = fakeServer();
    const { machine } = server;
    machine.ollamaModels = '{"models":[]}';
    await applied(machine);
    expect(machine.commands).toContain(restart);
    machine.put("/proc/502/environ", `${environment.slice(1).join("\0")}\0`);
    const { pending } = status(machine);
    expect(pending.map(({ id }) => id)).toEqual(["ollama.keep-alive"]);
  });

  test("isRestartedWhenTold", async () => {
    using server = fakeServer();
    const { machine } = server;
    await apply(machine, request(), { restart: true, confirmByMs: null });
    expect(machine.commands).toContain(restart);
    expect(machine.commands.indexOf("systemctl daemon-reload")).toBeLessThan(
      machine.commands.indexOf(restart),
    );
  });

  test("thatNeverPickedTheSettingsUpNeedsNoRestartToLoseThem", async () => {
    using server = fakeServer();
    const { machine } = server;
    await applied(machine);
    const report = await reverted(machine);
    expect(report.steps.map(({ command }) => command)).toEqual(["systemctl daemon-reload"]);
  });
});
