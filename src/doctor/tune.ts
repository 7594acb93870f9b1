/** Whether the machine still is what `hftedge tune` made of it. */
import type { DriftItem, Probe } from "./context.ts";
import { finding, notApplicable } from "./finding.ts";
import { plural } from "./text.ts";

/** The rest is for `hftedge tune status`. */
const itemsShown = 5;

function list(items: readonly DriftItem[]): string {
  const shown = items.slice(0, itemsShown).map(({ id, live, desired, reason }) => {
    const values = desired === null ? "" : ` is ${live ?? "absent"}, not ${desired}`;
    return `${id}${values}${values === "" && reason !== null ? ` ${reason}` : ""}`;
  });
  const more = items.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

export const tuneProbe: Probe = {
  area: "tune",
  run: async ({ needs }) => {
    if (needs.drift === undefined) return [notApplicable("tune.drift", "it was not asked for")];
    const { applied, drift, pending } = await needs.drift();
    const values = { applied, drift: drift.length, pending: pending.length };
    if (!applied) {
      const evidence =
        drift.length === 0
          ? "Never applied here, and nothing would change."
          : `Never applied here; it would change ${plural(drift.length, "setting")}.`;
      return [finding("tune.drift", drift.length === 0 ? "ok" : "note", evidence, values)];
    }
    if (drift.length > 0) {
      return [
        finding(
          "tune.drift",
          "warning",
          `${plural(drift.length, "setting")} changed since: ${list(drift)}.`,
          values,
        ),
      ];
    }
    return [
      finding(
        "tune.drift",
        pending.length > 0 ? "note" : "ok",
        pending.length > 0
          ? `In place, and waiting for a reboot or a restart: ${list(pending)}.`
          : "As applied.",
        values,
      ),
    ];
  },
};
