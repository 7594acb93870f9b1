/** Parsers of the network counters, each with text as real kernels print it. */
import { describe, expect, test } from "bun:test";
import {
  parseEthtoolStatistics,
  parseNetDevices,
  parseProtocolCounters,
  parseSoftnet,
  parseUdpSockets,
} from "../../src/host/net-stat.ts";

describe("/proc/net/softnet_stat", () => {
  test("hexadecimal columns, and the CPU's number where the kernel gives it", () => {
    const rows = parseSoftnet(
      "0000197f 00000002 0000001a 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000003 00000000 00000000\n",
    );
    expect(rows).toEqual([{ cpu: 3, processed: 0x197f, dropped: 2, squeezed: 26 }]);
  });

  test("an older kernel has eleven columns, and rows count the CPUs", () => {
    const row =
      "00358fe3 00000000 000000b0 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000";
    expect(parseSoftnet(`${row}\n${row}\n`).map(({ cpu }) => cpu)).toEqual([0, 1]);
  });

  test("other text gives no rows", () => {
    expect(parseSoftnet("CPU0 CPU1\n")).toEqual([]);
  });
});

describe("/proc/net/snmp and netstat", () => {
  const counters = parseProtocolCounters(`Ip: Forwarding DefaultTTL InReceives InHdrErrors
Ip: 2 64 6527 0
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn
Tcp: 1 200 120000 -1
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 83 1 5 84 4 0 1 0 0
`);
  test("names and values are paired within a protocol", () => {
    expect(counters.get("Udp")?.get("RcvbufErrors")).toBe(4);
    expect(counters.get("Tcp")?.get("MaxConn")).toBe(-1);
    expect(counters.get("Ip")?.size).toBe(4);
  });
  test("a value line that is missing leaves the protocol out", () => {
    expect(parseProtocolCounters("TcpExt: A B\nIpExt: A\n").size).toBe(0);
  });
});

describe("/proc/net/dev", () => {
  const devices =
    parseNetDevices(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
enp5s0f1np1:264286594    6507    1    22    3     4          0         9   376428    3544    5    6    0     0       0          0
`);
  test("header left out, a long name without a space after its colon kept", () => {
    expect([...devices.keys()]).toEqual(["lo", "enp5s0f1np1"]);
    expect(devices.get("enp5s0f1np1")).toEqual({
      rxBytes: 264_286_594,
      rxPackets: 6507,
      rxErrors: 1,
      rxDropped: 22,
      rxFifo: 3,
      rxFrame: 4,
      txPackets: 3544,
      txErrors: 5,
      txDropped: 6,
    });
  });
});

describe("/proc/net/udp", () => {
  const sockets =
    parseUdpSockets(`   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             
 2155: 0100007F:6720 00000000:0000 07 00000000:00001500 00:00000000 00000000     0        0 24321 2 0000000000000000 17         
 9612: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000   100        0 1207 2 0000000000000000 0          
`);
  test("port, queue, inode and drops", () => {
    expect(sockets).toEqual([
      { localPort: 26_400, queuedBytes: 0x1500, inode: 24_321, drops: 17 },
      { localPort: 68, queuedBytes: 0, inode: 1207, drops: 0 },
    ]);
  });
  test("udp6 has longer addresses", () => {
    const [socket] = parseUdpSockets(
      " 2155: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 23456 2 0000000000000000 5\n",
    );
    expect(socket).toEqual({ localPort: 5353, queuedBytes: 0, inode: 23_456, drops: 5 });
  });
});

describe("ethtool -S", () => {
  test("names may hold spaces and brackets", () => {
    const counters = parseEthtoolStatistics(`NIC statistics:
     rx_packets: 104211
     rx_missed_errors: 12
     rx_queue_0_drops: 3
     [0]: rx_discards: 4
`);
    expect(counters.get("rx_missed_errors")).toBe(12);
    expect(counters.get("[0]: rx_discards")).toBe(4);
    expect(counters.size).toBe(4);
  });
});
