import { netDevice, netstat, snmp, softnet } from "../../support/fake-box.ts";
import type { Provocation } from "./provocation.ts";

const udpHeader =
  "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n";

export const networkProvocations: readonly Provocation[] = [
  {
    name: "an interface that is down",
    id: "network.link",
    severity: "critical",
    files: { "sys/class/net/eth1/operstate": "down\n" },
    evidence: "down, 25000 Mbit/s full duplex, MTU 1500, 2 carrier changes",
    remedy: "sudo ip link set dev eth1 up",
  },
  {
    name: "damaged frames right now",
    id: "network.error",
    severity: "warning",
    during: { "proc/net/dev": netDevice("2000 200 3 0 0 2 0 0 500 50 0 0 0 0 0 0") },
    evidence: "5 just now, 5 of 200 packets since boot",
    remedy: "sudo ethtool -S eth1",
  },
  {
    name: "packets dropped right now",
    id: "network.drop",
    severity: "warning",
    during: { "proc/net/dev": netDevice("2000 1100 0 7 4 0 0 0 500 50 0 0 0 0 0 0") },
    evidence: "11 just now at 2000 packets/s, 11 of 1100 since boot",
    remedy: "sudo ethtool -g eth1",
  },
  {
    name: "losses that only the adapter counts",
    id: "network.adapter",
    severity: "note",
    tools: {
      ethtool: {
        stdout:
          "NIC statistics:\n     rx_packets: 1000\n     rx_missed_errors: 12\n     rx_no_buffer_count: 40\n     tx_dropped: 99\n     rx_pause: 3\n",
      },
    },
    evidence: "rx_no_buffer_count 40, rx_missed_errors 12; 3 pause frames",
    remedy: "ethtool -S eth1",
  },
  {
    name: "a backlog that overflows right now",
    id: "network.softnet",
    severity: "critical",
    during: { "proc/net/softnet_stat": softnet(5, 2) },
    evidence: "5 dropped and 2 squeezed just now",
    remedy: "net.core.netdev_max_backlog=10000 net.core.netdev_budget_usecs=8000",
  },
  {
    name: "a backlog that overflows although it was raised",
    id: "network.softnet",
    severity: "critical",
    files: {
      "proc/sys/net/core/netdev_max_backlog": "250000\n",
      "proc/sys/net/core/netdev_budget_usecs": "2000\n",
    },
    during: { "proc/net/softnet_stat": softnet(5, 2) },
    evidence: "5 dropped and 2 squeezed just now",
    remedy: "net.core.netdev_max_backlog=250000 net.core.netdev_budget_usecs=8000",
  },
  {
    name: "a backlog that overflows although all was raised",
    id: "network.softnet",
    severity: "critical",
    files: {
      "proc/sys/net/core/netdev_max_backlog": "250000\n",
      "proc/sys/net/core/netdev_budget_usecs": "20000\n",
    },
    during: { "proc/net/softnet_stat": softnet(5, 2) },
    evidence: "5 dropped and 2 squeezed just now",
    remedy: "effective_affinity_list",
    remedyWithout: "sysctl",
  },
  {
    name: "a receive buffer that overflows right now",
    id: "network.udp",
    severity: "critical",
    files: { "proc/net/snmp": snmp(10, 10) },
    during: { "proc/net/snmp": snmp(25, 25) },
    evidence: "15 dropped for a full receive buffer just now, 25 since boot",
    remedy: "hftedge tune",
  },
  {
    name: "drops at the feed's own socket",
    id: "network.socket",
    severity: "warning",
    files: {
      "proc/net/udp": `${udpHeader} 2155: 0100007F:6720 00000000:0000 07 00000000:00001500 00:00000000 00000000     0        0 24321 2 0000000000000000 17         \n`,
    },
    needs: { ports: [26_400] },
    evidence: "17 datagrams dropped since it was opened, 5376 bytes waiting",
    remedy: "sport = :26400",
  },
  {
    name: "multicast that the reverse-path filter drops",
    id: "network.reverse-path",
    severity: "warning",
    files: { "proc/sys/net/ipv4/conf/eth1/rp_filter": "2\n" },
    during: { "proc/net/netstat": netstat(40) },
    evidence: "40 just now, 40 since boot; the filter is on for eth1",
    remedy: "sudo hftedge tune apply --interface eth1",
    remedyWithout: "sysctl",
  },
  {
    name: "multicast that the filter of another interface drops",
    id: "network.reverse-path",
    severity: "warning",
    during: { "proc/net/netstat": netstat(40) },
    evidence: "40 just now, 40 since boot; the filter is off on the interfaces examined",
    remedy: "grep -H . /proc/sys/net/ipv4/conf/*/rp_filter",
  },
  {
    name: "another interface's interrupts on the feed's CPU",
    id: "network.interrupt",
    severity: "warning",
    files: {
      "proc/net/dev": `${netDevice("1000 100 0 0 0 0 0 0 500 50 0 0 0 0 0 0")}  eth0: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n`,
      "sys/class/net/eth0/device/msi_irqs/50": "msix\n",
      "proc/irq/50/effective_affinity_list": "6\n",
    },
    evidence: "1 vector on CPU 6: CPU 6 belongs to the feed or is isolated",
    remedy: "effective_affinity_list",
  },
  {
    name: "the feed's interrupts on another node",
    id: "network.interrupt",
    severity: "note",
    files: {
      "sys/class/net/eth1/device/local_cpulist": "4-7\n",
      "proc/irq/42/effective_affinity_list": "6\n",
    },
    evidence: "2 vectors on CPU 0,6: CPU 0 is not on the adapter's node 0",
    remedy: "effective_affinity_list",
  },
  {
    name: "TCP without window scaling and acknowledgements",
    id: "network.tcp",
    severity: "warning",
    files: {
      "proc/sys/net/ipv4/tcp_sack": "0\n",
      "proc/sys/net/ipv4/tcp_window_scaling": "0\n",
    },
    evidence: "tcp_sack, tcp_window_scaling are off",
    remedy: "net.ipv4.tcp_window_scaling=1",
  },
  {
    name: "more groups than the kernel allows",
    id: "network.multicast",
    severity: "critical",
    needs: { multicastGroups: 30 },
    evidence: "The feeds join 30 groups; the kernel allows 20",
    remedy: "net.ipv4.igmp_max_memberships=36",
  },
];
