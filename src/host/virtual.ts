/** Whether this is a bare machine, a virtual machine or a container: some knobs exist only on the first. */
import type { HostRoot } from "./root.ts";

export interface Environment {
  /** "kvm", "vmware", ...; undefined on bare metal. "unknown" where only the CPU's flag tells. */
  hypervisor: string | undefined;
  /** "docker", "podman", "kubernetes", "lxc", "systemd-nspawn", "wsl"; undefined outside of one. */
  container: string | undefined;
}

const vendors: readonly [RegExp, string][] = [
  [/firecracker/i, "firecracker"],
  [/qemu|kvm|red hat/i, "kvm"],
  [/amazon ec2/i, "amazon"],
  [/google/i, "google"],
  [/vmware/i, "vmware"],
  [/virtualbox|innotek/i, "virtualbox"],
  [/xen/i, "xen"],
  [/bochs/i, "bochs"],
  [/parallels/i, "parallels"],
];

/** The hypervisor, from DMI names, the clock source and the CPU flag "hypervisor". */
export function detectHypervisor(root: HostRoot): string | undefined {
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(root.text("/proc/cpuinfo") ?? "")?.[1] ?? "";
  const flagged = /\bhypervisor\b/.test(flags);
  const dmi = ["sys_vendor", "product_name", "bios_vendor"]
    .map((name) => root.word(`/sys/class/dmi/id/${name}`) ?? "")
    .join(" ");
  // Amazon's and Google's bare metal machines carry the same vendor names, without the CPU flag.
  const vendor = vendors.find(([pattern]) => pattern.test(dmi))?.[1];
  if (vendor !== undefined && (flagged || flags === "")) return vendor;
  if (/Microsoft/i.test(dmi) && flagged) return "hyper-v";
  const type = root.word("/sys/hypervisor/type");
  if (type !== undefined) return type;
  if (!flagged) return undefined;
  const sources =
    root.word("/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? "";
  if (/kvm-clock/.test(sources)) return "kvm";
  if (/hyperv/.test(sources)) return "hyper-v";
  return "unknown";
}

/** The container runtime, from the marks that runtimes leave. */
export function detectContainer(root: HostRoot): string | undefined {
  if (/microsoft/i.test(root.word("/proc/sys/kernel/osrelease") ?? "")) return "wsl";
  if (root.text("/run/.containerenv") !== undefined) return "podman";
  if (root.list("/var/run/secrets/kubernetes.io").length > 0) return "kubernetes";
  if (root.text("/.dockerenv") !== undefined) return "docker";
  const first = root.text("/proc/1/environ");
  const named = /(?:^|\0)container=([^\0]+)/.exec(first ?? "")?.[1];
  if (named !== undefined) return named;
  const groups = root.text("/proc/1/cgroup") ?? "";
  return /docker|containerd|kubepods|libpod|lxc/.exec(groups)?.[0];
}

export function detectEnvironment(root: HostRoot): Environment {
  return { hypervisor: detectHypervisor(root), container: detectContainer(root) };
}
