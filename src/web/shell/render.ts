/**
 * The overview before its first numbers, as HTML: run at build time over shell/document.ts, by the
 * code that makes the page itself, so that the two cannot differ. What is returned is what the
 * script's value is to whoever runs it (web/bundle.ts).
 */
import { defaultPlace } from "../address.ts";
import type { Context } from "../context.ts";
import { Live } from "../live.ts";
import { header } from "../panel/header.ts";
import { overview } from "../view/overview.ts";
import { ShellElement } from "./document.ts";
import { shellStatus } from "./status.ts";

const bar = new ShellElement("header");

Object.assign(globalThis, {
  document: {
    createElement: (tag: string) => new ShellElement(tag),
    createElementNS: (_: string, tag: string) => new ShellElement(tag),
    querySelector: () => bar,
    hidden: true,
  },
});

function inner(part: { childNodes: readonly unknown[] }): string {
  return (part.childNodes as readonly ShellElement[]).map((node) => node.html()).join("");
}

const live = new Live();
live.status = shellStatus;
live.arrivedMs = Date.now();
live.state = { kind: "open" };
const context = {
  live,
  firstNumbers: Promise.resolve(),
  place: defaultPlace,
  go: () => {},
  hrefOf: () => "/",
} as unknown as Context;

const top = header(
  context,
  () => {},
  () => {},
);
top.arrive?.();
top.update();
const view = overview(context);
view.update();
view.arrive?.();
const root = view.root as unknown as ShellElement;
root.classList.add("shell");
root.setAttribute("aria-hidden", "true");

Object.assign(globalThis, { shell: { header: inner(bar), main: root.html() } });
