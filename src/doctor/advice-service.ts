/** Words of the findings about network, GPU, Ollama, tuning and configuration. */

export const serviceAdvice = {
  "network.link": {
    title: "Link",
    why: "No link, no market data.",
    remedy: "ip -details link show dev {subject}; sudo ip link set dev {subject} up",
  },
  "network.error": {
    title: "Receive errors",
    why: "A damaged frame is a lost datagram: a gap, and books that are stale until it is filled.",
    remedy:
      "sudo ethtool -S {subject} | grep -Ei 'err|crc'; check cable, optics and the switch port",
  },
  "network.drop": {
    title: "Dropped packets",
    why: "Dropped before any socket saw them: a gap in the feed, and the wait for its recovery.",
    remedy: "sudo ethtool -S {subject} | grep -Ei 'drop|miss|no_buf'; sudo ethtool -g {subject}",
  },
  "network.adapter": {
    title: "The adapter's own counters",
    why: "The adapter counts what the kernel never sees: full rings, missed frames, pause frames.",
    remedy: "sudo ethtool -S {subject} | grep -Ei 'drop|miss|err|disc|no_buf|pause'",
  },
  "network.softnet": {
    title: "Backlog of the receive path",
    why: "A full backlog drops; a squeeze leaves packets waiting for the next softirq round.",
    remedy:
      "sudo sysctl -w net.core.netdev_max_backlog={backlog} net.core.netdev_budget_usecs={budgetUs}",
    remedyWhen: {
      "large enough":
        "hftedge tune plan; grep -H . /proc/irq/*/effective_affinity_list (backlog and budget are large: spread or move the interrupts)",
    },
  },
  "network.udp": {
    title: "UDP receive errors",
    why: "A full receive buffer drops datagrams silently, and the feed sees a gap.",
    remedy: "sudo hftedge tune; ss -uamnp | grep -A1 hftedge (column d: drops of the socket)",
  },
  "network.socket": {
    title: "Drops at the feed's own sockets",
    why: "These were ours: the receive thread was away for longer than the buffer lasts.",
    remedy: "sudo hftedge tune; ss -uamnp 'sport = :{port}'",
  },
  "network.reverse-path": {
    title: "Packets dropped by the reverse-path filter",
    why: "Multicast whose sender has no route back on that interface is dropped without a word.",
    // By hand it takes several steps: "all" weighs on every interface, also on those to stay filtered.
    remedy:
      "hftedge tune plan --interface {subject}; sudo hftedge tune apply --interface {subject} (the others stay filtered)",
    remedyWhen: {
      elsewhere: "grep -H . /proc/sys/net/ipv4/conf/*/rp_filter",
    },
  },
  "network.interrupt": {
    title: "Placement of interrupts",
    why: "Another device's interrupts on the receive thread's CPU preempt it; the feed's own on a far NUMA node cost cache misses.",
    remedy: "sudo hftedge tune plan; grep -H . /proc/irq/*/effective_affinity_list",
  },
  "network.tcp": {
    title: "TCP switches",
    why: "Off, these cap TCP at small windows and slow its recovery; they never help UDP.",
    remedy:
      "sudo sysctl -w net.ipv4.tcp_timestamps=1 net.ipv4.tcp_sack=1 net.ipv4.tcp_window_scaling=1",
  },
  "network.multicast": {
    title: "Multicast memberships",
    why: "The join after the limit fails with ENOBUFS, and that group's data never arrives.",
    remedy: "sudo sysctl -w net.ipv4.igmp_max_memberships={wanted}",
  },
  "gpu.memory": {
    title: "GPU memory",
    why: "A model that no longer fits spills to the CPU and answers ten times slower.",
    remedy: "nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv",
  },
  "gpu.temperature": {
    title: "GPU temperature",
    why: "Near its limit the GPU lowers its clocks in the middle of a decision.",
    remedy: "nvidia-smi -i {subject} -q -d TEMPERATURE,POWER",
  },
  "gpu.throttle": {
    title: "GPU clocks are held back",
    why: "The model's speed is the clock's: something other than idleness is holding it down.",
    remedy: "nvidia-smi -i {subject} -q -d PERFORMANCE,CLOCK,POWER",
  },
  "gpu.utilisation": {
    title: "GPU utilisation",
    why: "A GPU that others keep busy makes each decision wait its turn.",
    remedy: "nvidia-smi pmon -c 1",
  },
  "gpu.persistence": {
    title: "GPU persistence",
    why: "Without it the driver unloads when nobody holds the GPU, and the next use waits seconds.",
    remedy: "sudo systemctl enable --now nvidia-persistenced",
  },
  "gpu.driver": {
    title: "GPU driver",
    why: "Without a working driver the model runs on the CPU, whatever the box contains.",
    remedy: "nvidia-smi; sudo dmesg | grep -i nvrm",
  },
  "ollama.process": {
    title: "Ollama's process",
    why: "Without it every state that is not yet decided is HOLD.",
    remedy: "sudo systemctl enable --now ollama",
  },
  "ollama.reach": {
    title: "Ollama's HTTP interface",
    why: "Until it answers, every state that is not yet decided is HOLD.",
    remedy: "curl -sS -m 2 {subject}/api/version; sudo systemctl restart ollama",
  },
  "ollama.version": {
    title: "Ollama's version",
    why: "Known defects of this version cost latency on every request.",
    remedy: "curl -fsSL https://ollama.com/install.sh | sh",
  },
  "ollama.model": {
    title: "The model",
    why: "A model that is not in memory must be read from disk first: seconds, not milliseconds.",
    remedy: "curl -sS {subject}/api/generate -d {load} (or: ollama pull {model})",
  },
  "ollama.vram": {
    title: "The model's share in GPU memory",
    why: "Layers on the CPU dominate the time of every token.",
    remedy: "nvidia-smi; then a smaller model, a smaller context or OLLAMA_KV_CACHE_TYPE=q8_0",
  },
  "ollama.context": {
    title: "Context length of the loaded model",
    why: "A request with another context length reloads the model: seconds in which nothing is decided.",
    remedy: "hftedge config print --origins | grep context; then: ollama stop {model}",
  },
  "ollama.keep-alive": {
    title: "How long the model stays loaded",
    why: "After this time the model is dropped, and the next miss waits for the load.",
    remedy: "curl -sS {subject}/api/generate -d {load}",
  },
  "ollama.warm": {
    title: "Overhead of a warm request",
    why: "The time before the model starts to think is paid on every miss.",
    remedy:
      "curl -sS {subject}/api/version (from 0.32.15 on, warm requests skip reading the model's metadata)",
  },
  "ollama.slot": {
    title: "Parallel slots",
    why: "Requests above the number of slots wait inside Ollama, without limit and out of sight.",
    remedy: "sudo systemctl edit ollama: Environment=OLLAMA_NUM_PARALLEL={inFlight}",
  },
  "ollama.prompt-cache": {
    title: "Prompt cache",
    why: "When the instructions are not kept, each decision reads them all again.",
    remedy: "hftedge config print --origins | grep prompt (fixed text first, the state last)",
  },
  "ollama.environment": {
    title: "Ollama's environment",
    why: "Defaults meant for a desktop: the model is dropped when idle, and host memory caches prompts.",
    remedy: "sudo hftedge tune apply (writes ollama.service.d/60-hftedge.conf)",
  },
  "tune.drift": {
    title: "Tuned settings",
    why: "A setting that was changed back takes its latency with it, silently.",
    remedy: "hftedge tune status; sudo hftedge tune apply",
  },
  "config.file": {
    title: "Configuration",
    why: "A run does not start from an invalid configuration.",
    remedy: "hftedge config check",
  },
} as const;
