/** What every part of the page is handed. */
import type { Place } from "./address.ts";
import type { Live } from "./live.ts";
import type { Palette } from "./palette.ts";

export interface Context {
  live: Live;
  /** The first view was painted with its numbers: what takes longer may begin. */
  readonly firstNumbers: Promise<void>;
  readonly place: Place;
  readonly palette: Palette;
  /** Goes to another place: a new entry in the browser's history unless `replace`. */
  go(change: Partial<Place>, replace?: boolean): void;
  /** The address of another place, for links. */
  hrefOf(change: Partial<Place>): string;
}

export interface Part {
  root: HTMLElement;
  /** Something changed: the status, the connection, or a second has passed. */
  update(): void;
  /** The place changed, or the part comes into view. */
  arrive?(): void;
  /** The part goes out of view. */
  leave?(): void;
  /** Colours changed. */
  restyle?(): void;
}
