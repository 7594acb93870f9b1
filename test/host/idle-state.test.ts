import { describe, expect, test } from "bun:test";
import { idleStates, shallowIdleLatencyUs } from "../../src/host/idle-state.ts";
import { fakeRoot } from "../support/fake-root.ts";

/** States as name and latency, in the kernel's order. */
function box(...states: readonly (readonly [string, string])[]) {
  const files: Record<string, string> = {};
  for (const [index, [name, latency]] of states.entries()) {
    const folder = `sys/devices/system/cpu/cpu0/cpuidle/state${index}`;
    files[`${folder}/name`] = `${name}\n`;
    files[`${folder}/latency`] = latency;
    files[`${folder}/disable`] = name === "C6" ? "1\n" : "0\n";
  }
  const { host } = fakeRoot(files);
  return { read: host.text, list: host.list };
}

describe("the shallowest idle state", () => {
  test.each([
    ["C1 after POLL on x86", box(["POLL", "0\n"], ["C1", "2\n"], ["C6", "133\n"]), 2],
    ["WFI before a deep state on arm64", box(["WFI", "1\n"], ["cpu-sleep", "250\n"]), 1],
    ["by its latency, not by its number", box(["POLL", "0\n"], ["C1E", "10\n"], ["C1", "1\n"]), 1],
    ["never 0, which would mean spinning", box(["WFI", "0\n"]), 1],
    ["a guess where there are none", box(), 2],
    ["a guess where there is only POLL", box(["POLL", "0\n"]), 2],
  ] as const)("is %s", (_, files, latencyUs) => {
    expect(shallowIdleLatencyUs(files)).toBe(latencyUs);
  });

  test("and the others are told with what is switched off", () => {
    expect(idleStates(box(["POLL", "0\n"], ["C6", "133\n"]))).toEqual([
      { name: "POLL", latencyUs: 0, disabled: false },
      { name: "C6", latencyUs: 133, disabled: true },
    ]);
  });
});
