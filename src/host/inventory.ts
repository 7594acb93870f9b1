/** What kind of machine this is: names, sensors and disks that the kernel's counters do not tell. */

export interface Disk {
  name: string;
  /** "NVMe", "SSD", "HD". */
  kind: string;
  sizeBytes: number;
  /** "Ok", "Predicted Failure" or "unknown" without smartctl. */
  health: string;
}

export interface Inventory {
  /** Maker and model of the machine, e.g. "Dell Inc. PowerEdge R650". */
  machine: string;
  cpu: string;
  cores: number;
  system: string;
  kernel: string;
  /** The hottest core; undefined without a sensor. */
  temperatureC: number | undefined;
  disks: Disk[];
}

const disksMax = 32;

function words(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "" && part !== "-").join(" ");
}

/**
 * Asks systeminformation, which runs a few programs of the system. It is loaded only here, because
 * loading it takes longer than most commands do. Undefined when it fails or takes too long.
 */
export async function readInventory(timeoutMs: number): Promise<Inventory | undefined> {
  let timer: Timer | undefined;
  const expiry = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  try {
    return await Promise.race([ask(), expiry]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function ask(): Promise<Inventory> {
  const { cpu, cpuTemperature, diskLayout, osInfo, system } = await import("systeminformation");
  const [processor, heat, disks, os, machine] = await Promise.all([
    cpu(),
    cpuTemperature(),
    diskLayout(),
    osInfo(),
    system(),
  ]);
  const hottest = Math.max(heat.max ?? -Infinity, heat.main ?? -Infinity);
  return {
    machine: words(machine.manufacturer, machine.model),
    cpu: words(processor.manufacturer, processor.brand),
    cores: processor.cores,
    system: words(os.distro, os.release),
    kernel: os.kernel,
    // Some boards report 0 for a sensor that is not there.
    temperatureC: Number.isFinite(hottest) && hottest > 0 ? hottest : undefined,
    disks: disks.slice(0, disksMax).map((disk) => {
      return {
        name: disk.device,
        kind: disk.type,
        sizeBytes: disk.size,
        health: disk.smartStatus,
      };
    }),
  };
}
