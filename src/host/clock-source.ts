/** Whether reading the clock stays in user space. */

/** Read without a system call; kvm-clock and Hyper-V's through a page that the hypervisor shares. */
const quick: ReadonlySet<string> = new Set([
  "tsc",
  "arch_sys_counter",
  "kvm-clock",
  "hyperv_clocksource_tsc_page",
]);

/** `name` as in /sys/devices/system/clocksource/clocksource0/current_clocksource. */
export function isQuickClockSource(name: string): boolean {
  return quick.has(name);
}
