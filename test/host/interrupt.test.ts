import { describe, expect, test } from "bun:test";
import { parseInterrupts } from "../../src/host/interrupt.ts";

describe("/proc/interrupts", () => {
  const { cpus, rows } = parseInterrupts(`           CPU0       CPU1       
 24:          1          0  IO-APIC   5-edge      ACPI:Ged
 41:       1949          7 PCI-MSIX-0000:00:04.0   1-edge      virtio3-rx
LOC:      14713      21313   Local timer interrupts
ERR:          0
`);
  test("numbered and named rows", () => {
    expect(cpus).toEqual([0, 1]);
    expect(rows.map(({ irq }) => irq)).toEqual(["24", "41", "LOC", "ERR"]);
    expect(rows[1]).toEqual({
      irq: "41",
      counts: [1949, 7],
      description: "PCI-MSIX-0000:00:04.0 1-edge virtio3-rx",
    });
  });
  test("a row for the whole machine has one count", () => {
    expect(rows[3]).toEqual({ irq: "ERR", counts: [0], description: "" });
  });
  test("arm64's chip names", () => {
    const arm = parseInterrupts(
      "           CPU0       CPU1       CPU2       CPU3       \n 11:       5120       4811       3907       3777     GICv3  27 Level     arch_timer\n",
    );
    expect(arm.rows[0]).toEqual({
      irq: "11",
      counts: [5120, 4811, 3907, 3777],
      description: "GICv3 27 Level arch_timer",
    });
  });
});
