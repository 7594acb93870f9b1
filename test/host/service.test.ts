import { describe, expect, test } from "bun:test";
import { parseServiceState, stateExitCode } from "../../src/host/service.ts";

const running = `Result=success
NRestarts=2
MainPID=4711
StatusText=1 feed, no gap
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestamp=Mon 2026-11-23 09:30:00 UTC
MemoryCurrent=73400320
`;

const absent = `Result=success
NRestarts=0
MainPID=0
StatusText=
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
ActiveEnterTimestamp=
MemoryCurrent=[not set]
`;

describe("service state", () => {
  test("running", () => {
    const state = parseServiceState(running);
    expect(state).toEqual({
      load: "loaded",
      active: "active",
      sub: "running",
      enabled: "enabled",
      pid: 4711,
      restarts: 2,
      memoryBytes: 73_400_320,
      status: "1 feed, no gap",
      result: "success",
      since: "Mon 2026-11-23 09:30:00 UTC",
    });
    expect(stateExitCode(state)).toBe(0);
  });

  test("notInstalled", () => {
    const state = parseServiceState(absent);
    expect(state).toMatchObject({ pid: null, memoryBytes: null, enabled: "disabled" });
    expect(stateExitCode(state)).toBe(4);
  });

  test("uncountedMemoryIsNone", () => {
    const text = running.replace("73400320", "18446744073709551615");
    expect(parseServiceState(text).memoryBytes).toBeNull();
  });

  test("failedAndStoppedDiffer", () => {
    const failed = parseServiceState(running.replace("ActiveState=active", "ActiveState=failed"));
    const stopped = parseServiceState(
      running.replace("ActiveState=active", "ActiveState=inactive"),
    );
    expect([stateExitCode(failed), stateExitCode(stopped)]).toEqual([1, 3]);
  });
});
