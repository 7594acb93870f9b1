/** Uses whatever libnvidia-ml.so.1 the loader finds, and prints what it answered. */
import { openNvml } from "../../src/host/nvml.ts";

const control = openNvml();
if (control === null) process.stdout.write("null");
else {
  const uuid = control.list()[0]!.uuid;
  const before = control.list();
  const clocks = control.supportedClocks(uuid);
  const said = [
    control.setPersistence(uuid, true),
    control.lockGraphicsClock(uuid, 1980),
    control.lockMemoryClock(uuid, 2619),
    control.setPowerLimit(uuid, 350),
    control.setPowerLimit("GPU-none", 1),
  ];
  const after = control.list();
  said.push(control.lockGraphicsClock(uuid, null));
  process.stdout.write(JSON.stringify({ before, clocks, said, after, last: control.list() }));
  control.close();
}
