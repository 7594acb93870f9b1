/** AMD's GPUs, from what the amdgpu driver puts into /sys/class/drm. */
import type { HostRoot } from "../host/root.ts";
import { finding, severityAbove, type Outcome } from "./finding.ts";
import { percent } from "../unit.ts";
import { bytes } from "./text.ts";

const amdVendor = "0x1002";

export function amdGpus(root: HostRoot): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const card of root.list("/sys/class/drm")) {
    const device = `/sys/class/drm/${card}/device`;
    if (!/^card\d+$/.test(card) || root.word(`${device}/vendor`) !== amdVendor) continue;
    const total = root.number(`${device}/mem_info_vram_total`);
    const used = root.number(`${device}/mem_info_vram_used`);
    if (total !== undefined && used !== undefined && total > 0) {
      outcomes.push(
        finding(
          "gpu.memory",
          severityAbove(used / total, 0.9, 0.97),
          `${bytes(used)} of ${bytes(total)} used (${percent(used / total)}).`,
          { usedBytes: used, totalBytes: total, share: used / total },
          card,
        ),
      );
    }
    const busy = root.number(`${device}/gpu_busy_percent`);
    if (busy !== undefined) {
      outcomes.push(
        finding(
          "gpu.utilisation",
          severityAbove(busy, 70, 95),
          `${busy} % busy.`,
          { utilisationPercent: busy },
          card,
        ),
      );
    }
    const sensor = root.list(`${device}/hwmon`)[0];
    const milli = root.number(`${device}/hwmon/${sensor}/temp1_input`);
    if (milli !== undefined) {
      outcomes.push(
        finding(
          "gpu.temperature",
          severityAbove(milli / 1000, 75, 90, 100),
          `${milli / 1000} °C.`,
          { temperatureC: milli / 1000 },
          card,
        ),
      );
    }
  }
  return outcomes;
}
