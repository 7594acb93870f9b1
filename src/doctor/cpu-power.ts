/** The clock that the CPUs run at, what holds it down, and how deep they sleep. */
import type { HostRoot } from "../host/root.ts";
import { idleStates, shallowIdleLatencyUs } from "../host/idle-state.ts";
import type { ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { percent } from "../unit.ts";
import { plural } from "./text.ts";

const cpuDirectory = "/sys/devices/system/cpu";
/** C1 leaves in a few µs; what takes longer than this can be seen in a tick-to-signal time. */
const exitLatencyMaxUs = 10;

function policies(root: HostRoot): string[] {
  return root
    .list(`${cpuDirectory}/cpufreq`)
    .filter((name) => /^policy\d+$/.test(name))
    .map((name) => `${cpuDirectory}/cpufreq/${name}`);
}

function governor({ root }: ProbeContext): Outcome {
  const governors = policies(root).map((path) => root.word(`${path}/scaling_governor`) ?? "");
  const known = governors.filter((name) => name !== "");
  if (known.length === 0) {
    return notApplicable("system.governor", "the kernel does not control the frequency here");
  }
  const other = known.filter((name) => name !== "performance");
  const preference = root.word(`${policies(root)[0]}/energy_performance_preference`);
  const suffix = preference === undefined ? "" : `; energy preference ${preference}`;
  return finding(
    "system.governor",
    other.length > 0 ? "warning" : "ok",
    `${known.length - other.length} of ${plural(known.length, "policy").replace(/ys$/, "ies")} on 'performance'` +
      `${other.length > 0 ? `, others on '${[...new Set(other)].join("', '")}'` : ""}${suffix}.`,
    {
      policies: known.length,
      notPerformance: other.length,
      governor: [...new Set(known)].join(","),
    },
  );
}

function frequency({ root }: ProbeContext): Outcome {
  let lowest = Infinity;
  let lowestKhz = 0;
  let maximumKhz = 0;
  for (const path of policies(root)) {
    const current = root.number(`${path}/scaling_cur_freq`);
    const hardware = root.number(`${path}/cpuinfo_max_freq`);
    if (current === undefined || hardware === undefined || hardware <= 0) continue;
    if (current / hardware < lowest) {
      lowest = current / hardware;
      lowestKhz = current;
      maximumKhz = hardware;
    }
  }
  if (maximumKhz === 0) {
    return notApplicable("system.frequency", "the kernel does not tell the frequency here");
  }
  return finding(
    "system.frequency",
    // A sleeping CPU may show a low clock; only the governor's finding is worth a warning.
    lowest < 0.8 ? "note" : "ok",
    `The slowest CPU runs at ${(lowestKhz / 1e6).toFixed(2)} of ${(maximumKhz / 1e6).toFixed(2)} GHz (${percent(lowest)}).`,
    { lowestKhz, maximumKhz, share: lowest },
  );
}

function idleState({ root }: ProbeContext): Outcome {
  const files = { read: root.text, list: root.list };
  const states = idleStates(files);
  if (states.length === 0) {
    return notApplicable("system.idle-state", "the kernel controls no idle states here");
  }
  const enabled = states.filter((state) => !state.disabled);
  const deepest = enabled.at(-1);
  const latencyUs = deepest?.latencyUs ?? 0;
  // A descriptor held open on /dev/cpu_dma_latency forbids deeper states; reading it tells the bound.
  const held = root.text("/dev/cpu_dma_latency");
  const heldUs = held?.length === 4 ? littleEndian(held) : Infinity;
  const boundUs = Math.min(latencyUs, heldUs);
  return finding(
    "system.idle-state",
    boundUs > exitLatencyMaxUs ? "note" : "ok",
    `The deepest enabled state is ${deepest?.name ?? "none"}, ${latencyUs} µs to leave` +
      `${heldUs < latencyUs ? `, held above ${heldUs} µs by /dev/cpu_dma_latency` : ""}.`,
    { state: deepest?.name ?? "none", exitLatencyUs: latencyUs, limitUs: exitLatencyMaxUs },
    "",
    { words: { heldUs: shallowIdleLatencyUs(files) } },
  );
}

/** Four bytes that came through a text decoder; any above 127 means "no bound worth naming". */
function littleEndian(text: string): number {
  let value = 0;
  for (let index = 3; index >= 0; index--) {
    const code = text.charCodeAt(index);
    if (code > 127) return Infinity;
    value = value * 256 + code;
  }
  return value;
}

function thermal({ root }: ProbeContext): Outcome {
  let events = 0;
  let seen = false;
  for (const name of root.list(cpuDirectory)) {
    if (!/^cpu\d+$/.test(name)) continue;
    const path = `${cpuDirectory}/${name}/thermal_throttle`;
    const count = root.number(`${path}/core_throttle_count`);
    if (count === undefined) continue;
    seen = true;
    events += count;
  }
  if (!seen) return notApplicable("system.thermal", "this CPU does not count throttling");
  return finding(
    "system.thermal",
    events > 0 ? "warning" : "ok",
    `${plural(events, "throttling event")} since boot, over all cores.`,
    { events },
  );
}

function temperature({ inventory }: ProbeContext): Outcome {
  const temperatureC = inventory?.temperatureC;
  if (temperatureC === undefined) return notApplicable("system.temperature", "there is no sensor");
  return finding(
    "system.temperature",
    severityAbove(temperatureC, 75, 85, 95),
    `${temperatureC} °C at the hottest sensor.`,
    { temperatureC },
  );
}

export function cpuPower(context: ProbeContext): Outcome[] {
  return [
    governor(context),
    frequency(context),
    idleState(context),
    thermal(context),
    temperature(context),
  ];
}
