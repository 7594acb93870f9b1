/**
 * CPU sets as hexadecimal masks in comma-separated groups of 32 ("ff,ffffffff"), as smp_affinity,
 * rps_cpus and cpumask have them. Lists ("0-3,8") are in proc.ts.
 */

/** The kernel's mask form, most significant group of 32 CPUs first: [0,1,33] is "2,00000003". */
export function formatCpuMask(cpus: readonly number[]): string {
  const groups: number[] = [0];
  for (const cpu of cpus) {
    const group = cpu >>> 5;
    while (groups.length <= group) groups.push(0);
    groups[group] = (groups[group]! | (1 << (cpu & 31))) >>> 0;
  }
  return groups
    .toReversed()
    .map((group, i) => (i === 0 ? group.toString(16) : group.toString(16).padStart(8, "0")))
    .join(",");
}

/** CPUs of a mask such as "ff,ffffffff" (leading zeros and groups allowed). */
export function parseCpuMask(text: string): number[] {
  const cpus: number[] = [];
  const groups = text.trim().split(",").toReversed();
  groups.forEach((group, index) => {
    const bits = Number.parseInt(group, 16) >>> 0;
    for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) cpus.push(index * 32 + bit);
  });
  return cpus;
}
