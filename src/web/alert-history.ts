/** The alerts of the history, as far as they were read. */
import { alertKey } from "./alert-text.ts";
import type { AlertNews, Page } from "./api.ts";

/** Kept and shown at most: the oldest go. */
export const rowsMax = 2000;

/**
 * Each alert as it was read last. The newest page is read again and again; what it no longer reaches
 * down to stays, and older pages are added below.
 */
export class AlertHistory {
  /** Cursor behind the oldest that was read; null where there is nothing older. */
  next: string | null = null;
  /** The history has answered. */
  known = false;
  #alerts = new Map<string, AlertNews>();

  takeNewest({ items, next }: Page<AlertNews>): void {
    const joins = items.some((alert) => this.#alerts.has(alertKey(alert)));
    // After a long absence there may be more between this page and what was read before.
    if (!joins && next !== null) this.#alerts.clear();
    if (!this.known || (!joins && next !== null)) this.next = next;
    this.known = true;
    this.#add(items);
  }

  takeOlder({ items, next }: Page<AlertNews>): void {
    this.next = next;
    this.#add(items);
  }

  /** The newest first. */
  alerts(): AlertNews[] {
    return [...this.#alerts.values()].toSorted((a, b) => b.openedMs - a.openedMs);
  }

  #add(items: readonly AlertNews[]): void {
    for (const alert of items) this.#alerts.set(alertKey(alert), alert);
    if (this.#alerts.size <= rowsMax) return;
    this.#alerts = new Map(
      this.alerts()
        .slice(0, rowsMax)
        .map((alert) => [alertKey(alert), alert]),
    );
  }
}
