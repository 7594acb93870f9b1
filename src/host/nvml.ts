/**
 * NVML, NVIDIA's management library, through bun:ffi: libnvidia-ml.so.1 comes with the driver and
 * its exported functions keep their signatures. Every call returns nvmlReturn_t, 0 for success.
 * Source: nvml.h (NVML API reference).
 */
import { CString, dlopen, type Pointer, ptr, read } from "bun:ffi";
import { cBytes, cWords } from "./c-memory.ts";
import type { Gpu, GpuControl } from "./nvidia.ts";

const library = "libnvidia-ml.so.1";
const handleBytes = 8;
const textBytes = 96;
/** nvmlClockType_t */
const clock = { graphics: 0, sm: 1, memory: 2 } as const;
/** nvmlTemperatureSensors_t NVML_TEMPERATURE_GPU */
const temperatureSensor = 0;
/** The longest list of clocks that a card has shown is below 256. */
const clockCountMax = 1024;

const symbols = {
  nvmlInit_v2: { args: [], returns: "i32" },
  nvmlShutdown: { args: [], returns: "i32" },
  nvmlErrorString: { args: ["i32"], returns: "ptr" },
  nvmlSystemGetDriverVersion: { args: ["ptr", "u32"], returns: "i32" },
  nvmlDeviceGetCount_v2: { args: ["ptr"], returns: "i32" },
  nvmlDeviceGetHandleByIndex_v2: { args: ["u32", "ptr"], returns: "i32" },
  nvmlDeviceGetUUID: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  nvmlDeviceGetName: { args: ["ptr", "ptr", "u32"], returns: "i32" },
  nvmlDeviceGetPersistenceMode: { args: ["ptr", "ptr"], returns: "i32" },
  nvmlDeviceSetPersistenceMode: { args: ["ptr", "i32"], returns: "i32" },
  nvmlDeviceGetPerformanceState: { args: ["ptr", "ptr"], returns: "i32" },
  nvmlDeviceGetClockInfo: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  nvmlDeviceGetMaxClockInfo: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  nvmlDeviceGetPowerManagementLimit: { args: ["ptr", "ptr"], returns: "i32" },
  nvmlDeviceGetPowerManagementDefaultLimit: { args: ["ptr", "ptr"], returns: "i32" },
  nvmlDeviceGetPowerManagementLimitConstraints: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  nvmlDeviceSetPowerManagementLimit: { args: ["ptr", "u32"], returns: "i32" },
  nvmlDeviceGetTemperature: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  nvmlDeviceGetMigMode: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  nvmlDeviceGetSupportedMemoryClocks: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  nvmlDeviceGetSupportedGraphicsClocks: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  nvmlDeviceSetGpuLockedClocks: { args: ["ptr", "u32", "u32"], returns: "i32" },
  nvmlDeviceResetGpuLockedClocks: { args: ["ptr"], returns: "i32" },
  nvmlDeviceSetMemoryLockedClocks: { args: ["ptr", "u32", "u32"], returns: "i32" },
  nvmlDeviceResetMemoryLockedClocks: { args: ["ptr"], returns: "i32" },
} as const;

/** Renamed in driver 535 from …ThrottleReasons; the old name is still exported. */
const eventSymbols = [
  "nvmlDeviceGetCurrentClocksEventReasons",
  "nvmlDeviceGetCurrentClocksThrottleReasons",
] as const;

type Library = ReturnType<typeof dlopen<typeof symbols>>;
type EventCall = (handle: Pointer, out: Pointer) => number;

/** Null where the library is absent, too old to have every call, or finds no driver or GPU. */
export function openNvml(): GpuControl | null {
  let nvml: Library;
  try {
    nvml = dlopen(library, symbols);
  } catch {
    return null;
  }
  if (nvml.symbols.nvmlInit_v2() !== 0) {
    nvml.close();
    return null;
  }
  const control = new Nvml(nvml, openEvents());
  if (control.list().length > 0) return control;
  control.close();
  return null;
}

function openEvents(): EventCall | null {
  for (const name of eventSymbols) {
    try {
      const { symbols: found } = dlopen(library, {
        [name]: { args: ["ptr", "ptr"], returns: "i32" },
      });
      return found[name] as unknown as EventCall;
    } catch {
      // The next name is tried.
    }
  }
  return null;
}

function wattsOf(milliwatts: number | null): number | null {
  return milliwatts === null ? null : milliwatts / 1000;
}

class Nvml implements GpuControl {
  readonly backend = "nvml";
  private readonly library: Library;
  private readonly events: EventCall | null;
  private readonly handles = new Map<string, Pointer>();

  constructor(nvml: Library, events: EventCall | null) {
    this.library = nvml;
    this.events = events;
    const count = this.u32((out) => nvml.symbols.nvmlDeviceGetCount_v2(out)) ?? 0;
    for (let index = 0; index < count; index++) {
      const out = cBytes(handleBytes);
      if (nvml.symbols.nvmlDeviceGetHandleByIndex_v2(index, ptr(out)) !== 0) continue;
      const handle = read.ptr(ptr(out), 0) as Pointer;
      const uuid = this.text((o) => nvml.symbols.nvmlDeviceGetUUID(handle, o, textBytes));
      if (uuid !== null) this.handles.set(uuid, handle);
    }
  }

  private u32(call: (out: Pointer) => number): number | null {
    const out = cWords(1);
    return call(ptr(out)) === 0 ? out[0]! : null;
  }

  private text(call: (out: Pointer) => number): string | null {
    const out = cBytes(textBytes);
    if (call(ptr(out)) !== 0) return null;
    return new TextDecoder().decode(out.subarray(0, Math.max(0, out.indexOf(0))));
  }

  list(): Gpu[] {
    const { symbols: s } = this.library;
    const driver = this.text((o) => s.nvmlSystemGetDriverVersion(o, textBytes)) ?? "";
    return [...this.handles].map(([uuid, handle]) => {
      const persistence = this.u32((o) => s.nvmlDeviceGetPersistenceMode(handle, o));
      const pstate = this.u32((o) => s.nvmlDeviceGetPerformanceState(handle, o));
      const limits = cWords(2);
      const constrained =
        s.nvmlDeviceGetPowerManagementLimitConstraints(handle, ptr(limits), ptr(limits, 4)) === 0;
      const mig = cWords(2);
      const migKnown = s.nvmlDeviceGetMigMode(handle, ptr(mig), ptr(mig, 4)) === 0;
      const reasons = cWords(2);
      const known = this.events !== null && this.events(handle, ptr(reasons)) === 0;
      return {
        uuid,
        name: this.text((o) => s.nvmlDeviceGetName(handle, o, textBytes)) ?? "",
        driver,
        persistence: persistence === null ? null : persistence === 1,
        // NVML_PSTATE_UNKNOWN is 32.
        pstate: pstate === null || pstate > 15 ? null : `P${pstate}`,
        smClockMhz: this.u32((o) => s.nvmlDeviceGetClockInfo(handle, clock.sm, o)),
        memoryClockMhz: this.u32((o) => s.nvmlDeviceGetClockInfo(handle, clock.memory, o)),
        smClockMaxMhz: this.u32((o) => s.nvmlDeviceGetMaxClockInfo(handle, clock.sm, o)),
        powerLimitW: wattsOf(this.u32((o) => s.nvmlDeviceGetPowerManagementLimit(handle, o))),
        powerDefaultW: wattsOf(
          this.u32((o) => s.nvmlDeviceGetPowerManagementDefaultLimit(handle, o)),
        ),
        powerMaxW: constrained ? limits[1]! / 1000 : null,
        temperatureC: this.u32((o) => s.nvmlDeviceGetTemperature(handle, temperatureSensor, o)),
        // All reasons in use are below 2^32.
        eventReasons: known ? reasons[0]! : null,
        mig: migKnown ? mig[0] === 1 : null,
      };
    });
  }

  private clocks(call: (count: Pointer, out: Pointer) => number): number[] {
    const count = cWords(1);
    count[0] = clockCountMax;
    const out = cWords(clockCountMax);
    if (call(ptr(count), ptr(out)) !== 0) return [];
    return [...out.subarray(0, count[0]!)].toSorted((a, b) => b - a);
  }

  supportedClocks(uuid: string): { graphics: number[]; memory: number[] } {
    const handle = this.handles.get(uuid);
    if (handle === undefined) return { graphics: [], memory: [] };
    const { symbols: s } = this.library;
    const memory = this.clocks((count, out) =>
      s.nvmlDeviceGetSupportedMemoryClocks(handle, count, out),
    );
    const top = memory[0];
    const graphics =
      top === undefined
        ? []
        : this.clocks((count, out) =>
            s.nvmlDeviceGetSupportedGraphicsClocks(handle, top, count, out),
          );
    return { graphics, memory };
  }

  private change(uuid: string, call: (handle: Pointer) => number): string | null {
    const handle = this.handles.get(uuid);
    if (handle === undefined) return `no GPU ${uuid}`;
    const code = call(handle);
    if (code === 0) return null;
    const words = this.library.symbols.nvmlErrorString(code);
    return words === null ? `NVML error ${code}` : new CString(words).toString();
  }

  setPersistence(uuid: string, on: boolean): string | null {
    return this.change(uuid, (handle) =>
      this.library.symbols.nvmlDeviceSetPersistenceMode(handle, on ? 1 : 0),
    );
  }
  lockGraphicsClock(uuid: string, mhz: number | null): string | null {
    const { symbols: s } = this.library;
    return this.change(uuid, (handle) =>
      mhz === null
        ? s.nvmlDeviceResetGpuLockedClocks(handle)
        : s.nvmlDeviceSetGpuLockedClocks(handle, mhz, mhz),
    );
  }
  lockMemoryClock(uuid: string, mhz: number | null): string | null {
    const { symbols: s } = this.library;
    return this.change(uuid, (handle) =>
      mhz === null
        ? s.nvmlDeviceResetMemoryLockedClocks(handle)
        : s.nvmlDeviceSetMemoryLockedClocks(handle, mhz, mhz),
    );
  }
  setPowerLimit(uuid: string, watts: number): string | null {
    return this.change(uuid, (handle) =>
      this.library.symbols.nvmlDeviceSetPowerManagementLimit(handle, Math.round(watts * 1000)),
    );
  }

  close(): void {
    this.library.symbols.nvmlShutdown();
    this.library.close();
  }
}
