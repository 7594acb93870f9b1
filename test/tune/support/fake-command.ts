/** What the fake machine's commands say and do. */
import type { CommandResult } from "../../../src/host/host.ts";
import type { FakeMachine, FakeState } from "./fake-machine.ts";

const ok = (stdout = ""): CommandResult => ({ code: 0, stdout, stderr: "" });
const bad = (code: number, stderr: string): CommandResult => ({ code, stdout: "", stderr });

/** Whether a command can change anything: those are counted and recorded. */
export function mutates(argv: readonly string[]): boolean {
  const [name, verb = ""] = argv;
  switch (name) {
    case "ethtool":
      return /^-[KCGA]$/.test(verb);
    case "systemctl":
      return ["enable", "disable", "start", "stop", "restart", "daemon-reload"].includes(verb);
    case "nvidia-smi":
      return !argv.some((word) => word.startsWith("--query"));
    case "grubby":
      return argv.some((word) => word.startsWith("--update-kernel"));
    default:
      return name === "update-grub";
  }
}

export function answer(
  argv: readonly string[],
  state: FakeState,
  machine: FakeMachine,
): CommandResult {
  switch (argv[0]) {
    case "ethtool":
      return ethtool(argv, state);
    case "systemctl":
      return systemctl(argv, state, machine);
    case "nvidia-smi":
      return smi(argv, state);
    case "grubby":
      return grubby(argv, state);
    case "update-grub":
      return machine.exists("/usr/sbin/update-grub") ? ok() : bad(127, "not installed");
    case "systemd-detect-virt":
      return state.virtualisation === ""
        ? bad(127, "not installed")
        : {
            code: state.virtualisation === "none" ? 1 : 0,
            stdout: `${state.virtualisation}\n`,
            stderr: "",
          };
    case "ip":
      return ok(
        Object.entries(state.addresses)
          .map(
            ([name, address], i) =>
              `${i + 2}: ${name}    ${address.includes(":") ? "inet6" : "inet"} ${address}/24 scope global ${name}\n`,
          )
          .join(""),
      );
    default:
      return bad(127, `${argv[0]}: not installed`);
  }
}

const groups: Readonly<Record<string, string>> = {
  k: "feature",
  c: "coalesce",
  g: "ring",
  a: "pause",
};

function ethtool(
  [, flag = "", name = "", key = "", value = ""]: readonly string[],
  state: FakeState,
) {
  const group = groups[flag.slice(1).toLowerCase()]!;
  const values = state.ethtool[name]?.[group];
  if (values === undefined) return bad(76, "netlink error: Operation not supported");
  if (flag === flag.toLowerCase()) return ok(show(group, name, values));
  const long = { gro: "generic-receive-offload", lro: "large-receive-offload" }[key] ?? key;
  const refused = state.ethtoolRefuses[`${name}:${group}:${long}`];
  if (refused !== undefined) return bad(1, `netlink error: ${refused}`);
  if (values[long] === undefined) return bad(1, "netlink error: Operation not supported");
  if (!state.ethtoolIgnores.includes(`${name}:${group}:${long}`)) values[long] = value;
  // As an e1000e does: both directions are one word of the card.
  if (state.pauseFlips && group === "pause" && long === "tx") values["rx"] = "on";
  return ok();
}

function show(group: string, name: string, values: Record<string, string>): string {
  const lines = Object.entries(values);
  switch (group) {
    case "feature":
      return `Features for ${name}:\n${lines.map(([k, v]) => `${k}: ${v}\n`).join("")}`;
    case "coalesce":
      return `Coalesce parameters for ${name}:\nAdaptive RX: ${values["adaptive-rx"] ?? "n/a"}  TX: n/a\nstats-block-usecs:\tn/a\n${lines
        .filter(([k]) => !k.startsWith("adaptive"))
        .map(([k, v]) => `${k}:\t${v}\n`)
        .join("")}`;
    case "ring":
      return `Ring parameters for ${name}:\nPre-set maximums:\nRX:\t\t4096\nTX:\t\t4096\nCurrent hardware settings:\nRX:\t\t${values["rx"]}\nTX:\t\t256\n`;
    default:
      return `Pause parameters for ${name}:\nAutonegotiate:\t${values["autoneg"]}\nRX:\t\t${values["rx"]}\nTX:\t\t${values["tx"]}\n`;
  }
}

function systemctl(argv: readonly string[], state: FakeState, machine: FakeMachine) {
  if (!machine.exists("/run/systemd/system"))
    return bad(1, "System has not been booted with systemd");
  const [, verb = ""] = argv;
  const name = argv.at(-1)!;
  const file = `/etc/systemd/system/${name.replace(/@[^.]*\./, "@.")}`;
  const unit =
    state.units[name] ??
    (machine.exists(file) ? { enabled: "disabled", active: "inactive", pid: 0 } : undefined);
  if (verb === "daemon-reload") return ok();
  if (verb === "show") {
    const property = argv[3];
    return ok(property === "MainPID" ? `${unit?.pid ?? 0}\n` : "\n");
  }
  if (unit === undefined) {
    return verb === "is-active"
      ? { code: 4, stdout: "inactive\n", stderr: "" }
      : bad(1, `Unit ${name} does not exist`);
  }
  switch (verb) {
    case "is-active":
      return { code: unit.active === "active" ? 0 : 3, stdout: `${unit.active}\n`, stderr: "" };
    case "is-enabled":
      return { code: unit.enabled === "enabled" ? 0 : 1, stdout: `${unit.enabled}\n`, stderr: "" };
    case "enable":
      unit.enabled = "enabled";
      break;
    case "disable":
      unit.enabled = "disabled";
      break;
    case "start":
      unit.active = "active";
      break;
    case "stop":
      unit.active = "inactive";
      break;
    case "restart":
      unit.pid += 1;
      break;
  }
  state.units[name] = unit;
  // What a disabled unit without a place of its own leaves is nothing.
  if (name.startsWith("hftedge-tune") && unit.enabled === "disabled") delete state.units[name];
  return ok();
}

function smi(argv: readonly string[], state: FakeState): CommandResult {
  if (state.gpus.length === 0) return bad(127, "nvidia-smi: not installed");
  const wanted = argv[1] === "-i" ? argv[2] : undefined;
  const gpus = state.gpus.filter(({ uuid }) => wanted === undefined || uuid === wanted);
  const query = argv.find((word) => word.startsWith("--query")) ?? "";
  if (query.startsWith("--query-supported-clocks"))
    return ok("1980, 2619\n1965, 2619\n1980, 1593\n");
  if (query.includes("clocks_event_reasons")) return ok("0x0000000000000001\n");
  if (query !== "") {
    return ok(
      gpus
        .map(
          (gpu) =>
            `${gpu.uuid}, NVIDIA Test, 550.54.15, ${gpu.persistence ? "Enabled" : "Disabled"}, P8, ${gpu.smClock}, 2619, 1980, ${gpu.powerLimitW.toFixed(2)}, 300.00, 350.00, 40, [N/A]\n`,
        )
        .join(""),
    );
  }
  const [verb = "", value = ""] = argv.slice(3);
  if (state.gpuRefuses.some((word) => verb.startsWith(word))) {
    return ok("Setting is not supported for GPU 00000000:01:00.0.\n");
  }
  for (const gpu of gpus) {
    if (verb === "-pm") gpu.persistence = value === "1";
    if (verb === "-pl") gpu.powerLimitW = Number(value);
    if (verb === "-rgc") gpu.lock = "";
    if (verb.startsWith("--lock-gpu-clocks=")) gpu.lock = verb.slice("--lock-gpu-clocks=".length);
  }
  return ok("All done.\n");
}

function grubby(argv: readonly string[], state: FakeState): CommandResult {
  if (state.grubby === null) return bad(127, "grubby: not installed");
  const words = Object.entries(state.grubby).map(([k, v]) => `${k}=${v}`);
  if (argv[1] === "--info=DEFAULT") return ok(`index=0\nargs="ro quiet ${words.join(" ")}"\n`);
  for (const word of argv) {
    const added = /^--args=([^=]+)=(.*)$/.exec(word);
    if (added !== null) state.grubby[added[1]!] = added[2]!;
    const removed = /^--remove-args=(.*)$/.exec(word);
    if (removed !== null) delete state.grubby[removed[1]!];
  }
  return ok();
}
