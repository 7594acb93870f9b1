/** /proc/interrupts: which CPU served which interrupt how often. */

export interface InterruptRow {
  /** A number, or the kernel's short name such as "LOC" or "RES". */
  irq: string;
  /** Interrupts served, in the order of `cpus`. */
  counts: number[];
  /** Chip and action, e.g. "PCI-MSIX-0000:00:04.0 1-edge virtio3-rx". */
  description: string;
}

export interface Interrupts {
  cpus: number[];
  rows: InterruptRow[];
}

/** Rows such as ERR and MIS have one number for the whole machine; it is kept as one count. */
export function parseInterrupts(text: string): Interrupts {
  const [header = "", ...lines] = text.split("\n");
  const cpus = [...header.matchAll(/CPU(\d+)/g)].map((match) => Number(match[1]));
  const rows: InterruptRow[] = [];
  for (const line of lines) {
    const match = /^\s*([A-Za-z0-9]+):((?:\s+\d+)+)(?:\s+(.*))?$/.exec(line);
    if (match === null) continue;
    const words = match[2]!.trim().split(/\s+/);
    // An interrupt's description may itself begin with a number ("0-edge"), but never a bare one.
    const counts = words.slice(0, cpus.length).map(Number);
    rows.push({
      irq: match[1]!,
      counts,
      description: [...words.slice(cpus.length), match[3] ?? ""]
        .join(" ")
        .trim()
        .replace(/\s+/g, " "),
    });
  }
  return { cpus, rows };
}
