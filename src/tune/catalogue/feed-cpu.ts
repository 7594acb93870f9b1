/** What the settings of the feed's CPUs have in common. */
import type { Machine } from "../machine.ts";

/** Why a setting of the feed's CPUs does not apply, or null. */
export function needsFeedCpus({ roles }: Machine): string | null {
  return roles.feedCpus.length > 0 ? null : "no CPU is set apart for the feed";
}
