/**
 * The text of hftedge.service. As much of the sandbox is on as the feed's work allows; what is left
 * out, and why, stands beside its place.
 */

import { unitWord } from "./unit-word.ts";

export interface UnitInput {
  /** Absolute path of the program. */
  program: string;
  /** Absolute path of the configuration file. */
  config: string;
  /** Null for a user that exists only while the service runs. */
  user: string | null;
  /** The machine has NVIDIA devices, which the diagnosis reads. */
  gpu: boolean;
}

/** The highest real-time priority that the unit lets the feed thread ask for, sched(7). */
export const realTimePriorityMax = 80;

export const unitName = "hftedge.service";

/** First line of a file that `service uninstall` may remove. */
export const unitMark =
  "# Written by `hftedge service install`; changes belong into `systemctl edit hftedge`.";

export function serviceUnit({ program, config, user, gpu }: UnitInput): string {
  const exec = unitWord(program);
  const file = unitWord(config);
  return `${unitMark}
[Unit]
Description=Market data in, trading signals out
After=network-online.target ollama.service
Wants=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStartPre=${exec} config check --config ${file}
ExecStart=${exec} run --config ${file}
ExecReload=/bin/kill -HUP $MAINPID
# Fed only while the heartbeats of all threads advance.
WatchdogSec=10
# Signals go to the sinks. In the journal they would use up its rate limit, and messages be lost.
StandardOutput=null
StandardError=journal
TimeoutStartSec=60
# Longer than the longest drain that the configuration allows.
TimeoutStopSec=75
Restart=on-failure
RestartSec=1

${user === null ? "DynamicUser=yes" : `User=${user}`}
StateDirectory=hftedge
StateDirectoryMode=0700
ConfigurationDirectory=hftedge
ConfigurationDirectoryMode=0755
WorkingDirectory=%S/hftedge
UMask=0077

# These would make the runtime inside the program load or do something else.
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_INSPECT_CONNECT_TO BUN_INSPECT_PRELOAD NODE_OPTIONS LD_PRELOAD LD_LIBRARY_PATH

LimitMEMLOCK=infinity
LimitRTPRIO=${realTimePriorityMax}
LimitNOFILE=65536
LimitCORE=0
TasksMax=256
OOMScoreAdjust=-900

# For receive buffers beyond net.core.rmem_max and for busy polling; PrivateUsers would void it.
AmbientCapabilities=CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_ADMIN
NoNewPrivileges=yes
# No MemoryDenyWriteExecute: the runtime compiles hot code to machine code.
# No RestrictRealtime: thread.feedPriority asks for SCHED_FIFO.
# No ProtectProc or ProcSubset: the diagnosis reads the kernel's counters and Ollama's process.
ProtectSystem=strict
ProtectHome=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateMounts=yes
${deviceLines(gpu)}
# Netlink is how the addresses of an interface are found.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
# Reading the clock's state is no privilege; without CAP_SYS_TIME it cannot be set.
SystemCallFilter=@system-service adjtimex clock_adjtime
SystemCallFilter=~@privileged @setuid @keyring @obsolete
SystemCallFilter=adjtimex clock_adjtime
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

function deviceLines(gpu: boolean): string {
  if (!gpu) return "PrivateDevices=yes";
  return [
    "# Only the GPU's devices besides the harmless ones.",
    "DevicePolicy=closed",
    "DeviceAllow=char-nvidia* rw",
  ].join("\n");
}
