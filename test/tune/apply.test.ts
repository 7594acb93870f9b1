import { describe, expect, test } from "bun:test";
import { apply } from "../../src/tune/apply.ts";
import { revert } from "../../src/tune/revert.ts";
import { statusCode, statusOf } from "../../src/tune/status.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";

const once = { restart: false, confirmByMs: null };
const gently = { restart: false, force: false };

describe.each(["safe", "aggressive"] as const)("profile %s", (profile) => {
  const wanted = request({ profile });

  test("apply, status 0, drift, status 2 that names it, revert, and all is as before", async () => {
    using server = fakeServer();
    const { machine } = server;
    // Nothing is served, so Ollama may be restarted.
    machine.ollamaModels = '{"models":[]}';
    const before = snapshot(server.root);

    const report = await apply(machine, wanted, once);
    expect(report.failed).toBe(false);
    expect(report.results.filter(({ outcome }) => outcome !== "applied")).toEqual([]);
    const applied = statusOf(machine, null, wanted);
    expect(applied.drift).toEqual([]);

    machine.put("/proc/sys/vm/swappiness", "60\n");
    const drifted = statusOf(machine, null, wanted);
    expect(statusCode(drifted)).toBe(2);
    expect(drifted.drift).toEqual([
      { id: "memory.swappiness", live: "60", desired: "1", reason: "/proc/sys/vm/swappiness" },
    ]);
    machine.put("/proc/sys/vm/swappiness", "1\n");

    const taken = await revert(machine, gently);
    expect(taken.results.filter(({ outcome }) => outcome !== "restored")).toEqual([]);
    expect(taken.failed).toBe(false);
    machine.alter((state) => {
      // Restarts gave Ollama a new process, which no revert can undo.
      state.units["ollama.service"]!.pid = 501;
    });
    expect(snapshot(server.root)).toEqual(before);
  });

  test("a second run writes nothing", async () => {
    using server = fakeServer();
    const { machine } = server;
    await apply(machine, wanted, once);
    const after = snapshot(server.root);
    const commands = machine.commands.length;
    const again = await apply(machine, wanted, once);
    expect(again.results).toEqual([]);
    expect(machine.commands.slice(commands)).toEqual([]);
    expect(snapshot(server.root)).toEqual(after);
  });
});
