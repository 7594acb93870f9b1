/** From a knob and an instance to the targets that stand for it on this machine. */
import { basename } from "node:path";
import type { Host } from "../host/host.ts";
import { interfaceInterrupts } from "../host/nic-interrupt.ts";
import type { Journal } from "./journal.ts";
import type { Machine } from "./machine.ts";
import type { Setting } from "./setting.ts";
import type { Target } from "./target.ts";

/** One target with the value that its setting's wish means for it. */
export interface Wanted {
  target: Target;
  /** Given the setting's wish; most targets want just that. */
  value: (wish: string) => string;
  always?: boolean;
}

/** What the setting is planned for one by one: each feed interface, each GPU, or the host. */
export function instancesOf(setting: Setting, machine: Machine): readonly string[] {
  if (setting.scope === "interface") return machine.roles.feedInterfaces;
  if (setting.scope === "gpu") return machine.roles.gpus;
  return [""];
}

const same = (wish: string): string => wish;

export function expand(
  setting: Setting,
  host: Host,
  machine: Machine,
  instance: string,
  journal: Journal | null,
): Wanted[] {
  const { knob } = setting;
  switch (knob.kind) {
    case "sysctl": {
      const path = `/proc/sys/${knob.key}`;
      if (knob.partner === undefined) return [{ target: { kind: "value", path }, value: same }];
      const target: Target = { kind: "coupled", path, partner: `/proc/sys/${knob.partner}` };
      return [{ target, value: (wish) => `${basename(path)}=${wish}` }];
    }
    case "sysfs":
      return host
        .glob(knob.pattern.replaceAll("{if}", instance))
        .map((path) => ({ target: { kind: "value", path }, value: same }));
    case "feed-cpu":
      return machine.roles.feedCpus.flatMap((cpu) =>
        host
          .glob(knob.pattern.replaceAll("{cpu}", String(cpu)))
          .map((path): Wanted => ({ target: { kind: "value", path }, value: same })),
      );
    case "ethtool": {
      const { group, key } = knob;
      return [{ target: { kind: "ethtool", interface: instance, group, key }, value: same }];
    }
    case "irq":
      return interfaceInterrupts((path) => host.list(path), instance).map((irq) => ({
        target: { kind: "irq", irq },
        value: same,
      }));
    case "gpu":
      return [{ target: { kind: "gpu", uuid: instance, key: knob.key }, value: same }];
    case "unit":
      return [{ target: { kind: "unit", unit: knob.unit, start: true }, value: same }];
    case "rp-filter":
      return expandReversePath(host, machine, instance, journal);
    case "kernel":
      return machine.bootloader === "grubby"
        ? [{ target: { kind: "grubby", argument: knob.argument }, value: same }]
        : [];
    default:
      return [];
  }
}

/**
 * The kernel uses the stricter of `all` and the interface's own value, so `all` has to be 0; what it
 * gave the other interfaces moves to each of them (and to `default`) before it goes.
 */
function expandReversePath(
  host: Host,
  machine: Machine,
  instance: string,
  journal: Journal | null,
): Wanted[] {
  const folder = "/proc/sys/net/ipv4/conf";
  const pathOf = (name: string): string => `${folder}/${name}/rp_filter`;
  // What counts is what was there before us: after a first run `all` is 0 and says nothing.
  const value = (name: string): number => {
    const original = journal?.entries.get(pathOf(name))?.original ?? null;
    return Number(original ?? host.read(pathOf(name)) ?? "0");
  };
  const target = (name: string): Target => ({ kind: "value", path: pathOf(name) });
  const all = value("all");
  if (all === 0) return [{ target: target(instance), value: same }];
  const raised = (name: string): string => String(Math.max(all, value(name)));
  // A write to `default` goes to every interface that was never written by itself: so each is
  // written by itself first, also where it is as wanted.
  const always = (host.read(pathOf("default")) ?? "").trim() !== raised("default");
  const feed = machine.roles.feedInterfaces;
  const others = host
    .list(folder)
    .filter((name) => !["all", "default"].includes(name) && !feed.includes(name));
  return [
    ...others.map((name): Wanted => ({ target: target(name), value: () => raised(name), always })),
    ...feed.map((name): Wanted => ({ target: target(name), value: same, always })),
    { target: target("default"), value: () => raised("default") },
    { target: target("all"), value: () => "0" },
  ];
}
