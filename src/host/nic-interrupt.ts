/** Interrupt vectors of a network interface. */

/**
 * Numbers of its MSI vectors, ascending; a virtio device's belong to the PCI device above it. None
 * where it has none of its own. `list` gives the names in a directory.
 */
export function interfaceInterrupts(
  list: (path: string) => readonly string[],
  name: string,
): number[] {
  const device = `/sys/class/net/${name}/device`;
  for (const path of [`${device}/msi_irqs`, `${device}/../msi_irqs`]) {
    const vectors = list(path).filter((entry) => /^\d+$/.test(entry));
    if (vectors.length > 0) return vectors.map(Number).toSorted((a, b) => a - b);
  }
  return [];
}
