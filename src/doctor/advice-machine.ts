/** Words of the findings about CPUs, memory, storage, clock and limits. */

export const machineAdvice = {
  "system.environment": {
    title: "Where this runs",
    why: "A hypervisor can take the CPU away for milliseconds, and hides most knobs that would stop it.",
    remedy:
      "On the host: virsh vcpupin DOMAIN VCPU CPU, with no overcommitted vCPUs; or use bare metal",
  },
  "system.cpu-use": {
    title: "CPU use",
    why: "A receive thread that finds its CPU taken waits for a scheduler slice, which is milliseconds.",
    remedy: "ps -eo pid,psr,pcpu,comm --sort=-pcpu | head",
  },
  "system.load": {
    title: "Load average",
    why: "More runnable tasks than CPUs means that every wake-up queues behind somebody else.",
    remedy: "ps -eo pid,psr,stat,pcpu,comm --sort=-pcpu | head",
  },
  "system.steal": {
    title: "CPU time stolen by the hypervisor",
    why: "While time is stolen nothing here runs: datagrams wait in the kernel and no timer fires.",
    remedy: "vmstat -w 1 5; then move to dedicated vCPUs or bare metal",
  },
  "system.governor": {
    title: "CPU frequency governor",
    why: "A governor that follows load answers the first datagram after a pause at the lowest clock.",
    remedy: "sudo hftedge tune apply; by hand: sudo cpupower frequency-set -g performance",
  },
  "system.frequency": {
    title: "CPU frequency",
    why: "Every step of the hot path takes longer in proportion to the clock that is missing.",
    remedy:
      "sudo turbostat --quiet --show CPU,Bzy_MHz,PkgTmp --num_iterations 3; sudo hftedge tune",
  },
  "system.idle-state": {
    title: "Idle states",
    why: "Waking from a deep idle state costs its exit latency before the first instruction runs.",
    remedy: "sudo hftedge tune apply (the run then holds /dev/cpu_dma_latency at {heldUs} µs)",
  },
  "system.thermal": {
    title: "Thermal throttling",
    why: "A CPU that protects itself from heat drops its clock under exactly the load that matters.",
    remedy: "sudo dmesg --level=warn | grep -i throttl; check fans, airflow and the power limit",
  },
  "system.temperature": {
    title: "CPU temperature",
    why: "Near its limit a CPU lowers its clock, and it does so under load.",
    remedy: "sensors; check fans, airflow and the power limit",
  },
  "system.isolation": {
    title: "CPU isolation",
    why: "Without isolated CPUs any task may be scheduled onto the receive thread's CPU.",
    remedy: "sudo hftedge tune plan --profile aggressive",
  },
  "system.pressure": {
    title: "CPU pressure",
    why: "Pressure is time in which a task was ready and had no CPU: latency by definition.",
    remedy: "cat /proc/pressure/cpu; ps -eo pid,psr,pcpu,comm --sort=-pcpu | head",
  },
  "system.throttle": {
    title: "CPU quota of the control group",
    why: "When a quota is used up every thread stops until the next period, up to 100 ms.",
    remedy:
      "docker update --cpu-quota -1 CONTAINER (or remove CPUQuota= / limits.cpu), and pin instead",
  },
  "memory.available": {
    title: "Available memory",
    why: "Near the edge every allocation may have to reclaim pages first, in the allocating thread.",
    remedy: "ps -eo pid,rss,comm --sort=-rss | head",
  },
  "memory.swap": {
    title: "Swap",
    why: "A page that comes back from swap stalls its thread for as long as the disk takes.",
    // While pages move, or without room for all of them, swapoff calls the OOM killer.
    remedy:
      "ps -eo pid,rss,comm --sort=-rss | head (end or move the largest first; swapoff now could get a process killed)",
    remedyWhen: {
      room: "sudo swapoff -a && sudo sysctl -w vm.swappiness=1",
    },
  },
  "memory.pressure": {
    title: "Memory pressure",
    why: "Tasks waited for memory: reclaim, refault or swap, all of it in their own time.",
    remedy: "cat /proc/pressure/memory; ps -eo pid,rss,comm --sort=-rss | head",
  },
  "memory.compaction": {
    title: "Direct reclaim and compaction",
    why: "A thread that must free or compact memory before it gets any stops for milliseconds.",
    remedy: "sudo sysctl -w vm.min_free_kbytes={minFreeKb}",
    remedyWhen: {
      // A larger reserve would take memory from those who run short of it.
      "large enough": "ps -eo pid,rss,comm --sort=-rss | head (vm.min_free_kbytes is large enough)",
    },
  },
  "memory.oom": {
    title: "Processes killed for lack of memory",
    why: "The kernel has ended processes here, and the model server is usually the largest.",
    remedy: "sudo journalctl -k --grep 'Out of memory|oom-kill' --no-pager | tail",
  },
  "memory.hugepage": {
    title: "Transparent huge pages",
    why: "With 'always' the kernel collapses pages under running programs; with 'never' the run's own tables get none, and nearly each look-up walks the page table.",
    remedy:
      "sudo hftedge tune; by hand: echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
  },
  "storage.space": {
    title: "Space for the data directory",
    why: "A full disk stops the history and the decision store; signals go on, memory of them does not.",
    remedy: "du -xhd1 {directory} | sort -h | tail; df -h {directory}",
  },
  "storage.file-system": {
    title: "File system of the data directory",
    why: "SQLite's write-ahead log needs shared memory and honest flushes, which this kind does not give.",
    remedy: "hftedge run --data-directory /var/lib/hftedge (a local ext4 or xfs)",
  },
  "storage.disk": {
    title: "Disk",
    why: "A turning disk takes milliseconds for a flush, and one that fails takes seconds to retry.",
    remedy: "sudo smartctl -a {subject}",
  },
  "storage.flush": {
    title: "Latency of small synchronous writes",
    why: "Each commit of the history waits for one; a slow one delays the store, and grows its queue.",
    remedy: "findmnt -T {directory}; iostat -x 1 5 (move the data directory to a local NVMe)",
  },
  "storage.device": {
    title: "Use of the data directory's device",
    why: "A busy device queues the history's commits behind everybody else's.",
    remedy: "sudo iotop -obn 3",
  },
  "storage.pressure": {
    title: "Disk pressure",
    why: "Tasks waited for a disk, among them whoever commits the history.",
    remedy: "cat /proc/pressure/io; sudo iotop -obn 3",
  },
  "storage.throughput": {
    title: "Sequential write throughput",
    why: "Loading a model and taking a backup move gigabytes; the hot path does not depend on it.",
    remedy: "iostat -x 1 5",
  },
  "clock.synchronised": {
    title: "Clock synchronisation",
    why: "Network latency is the exchange's clock against ours: unsynchronised, the number means nothing.",
    remedy:
      "sudo apt-get install -y chrony && sudo systemctl enable --now chrony && chronyc -n tracking",
  },
  "clock.offset": {
    title: "Clock offset",
    why: "The offset goes straight into every latency that spans two machines.",
    remedy: "chronyc -n sources -v; chronyc -n tracking",
  },
  "clock.source": {
    title: "Clock source",
    why: "Without the TSC each reading of the clock leaves user space or a slow device is read: up to 1 µs.",
    remedy: "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
    remedyWhen: {
      // The kernel has found it unsteady, or the machine has none: writing its name would fail.
      "no tsc": "sudo dmesg | grep -iE 'tsc|clocksource'",
    },
  },
  "limit.receive-buffer": {
    title: "Largest socket receive buffer",
    why: "The buffer is what absorbs a burst while the receive thread is away; full means lost datagrams.",
    remedy: "sudo hftedge tune; by hand: sudo sysctl -w net.core.rmem_max={wantedBytes}",
    remedyWhen: {
      shrunk:
        "sudo hftedge tune --remove-leftovers; by hand: sudo sysctl -w net.core.rmem_default={kernelDefaultBytes}",
      both: "sudo hftedge tune --remove-leftovers; by hand: sudo sysctl -w net.core.rmem_max={wantedBytes} net.core.rmem_default={kernelDefaultBytes}",
    },
  },
  "limit.memory-lock": {
    title: "Limit of locked memory",
    why: "Memory that cannot be locked can be paged out, and its first touch then waits for a disk.",
    remedy:
      "hftedge service install (LimitMEMLOCK=infinity); in a shell: sudo prlimit --memlock=unlimited --pid $$",
  },
  "limit.real-time": {
    title: "Limit of real-time priority",
    why: "Without it the receive thread cannot ask for SCHED_FIFO and shares its CPU like any other.",
    remedy:
      "hftedge service install (LimitRTPRIO={priority}); in a shell: sudo prlimit --rtprio={priority} --pid $$",
  },
  "limit.file": {
    title: "Limit of open files",
    why: "At the limit new connections, subscribers and database files are refused.",
    remedy: "ulimit -n 65536, or LimitNOFILE=65536 in the unit",
  },
  "limit.run": {
    title: "The running hftedge",
    why: "What the running process really got: memory it could not lock can be paged out.",
    remedy: "systemctl show hftedge -p LimitMEMLOCK -p LimitRTPRIO; hftedge service install",
  },
} as const;
