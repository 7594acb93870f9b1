/** The keys, on the key "?". */
import { element } from "./dom.ts";

const keys: readonly (readonly [string, string])[] = [
  ["1 … 6", "overview, signals, alerts, feed, inference, machine"],
  ["h", "to the heat map"],
  ["← →", "in the heat map: earlier, later"],
  ["+ −", "in the heat map: closer, further"],
  ["0", "in the heat map: live again"],
  ["drag", "in the heat map: zoom; double click zooms out"],
  ["/", "filter signals"],
  ["Esc", "close a symbol, or this"],
  ["t", "theme: automatic, dark, light"],
  ["?", "this help"],
];

export function helpDialog(): HTMLDialogElement {
  const rows = keys.map(([key, words]) =>
    element("tr", {}, element("td", {}, element("kbd", {}, key)), element("td", {}, words)),
  );
  const close = element("button", { type: "button" }, "Close");
  const dialog = element(
    "dialog",
    { "aria-label": "Keys" },
    element("h2", {}, "Keys"),
    element("table", {}, element("tbody", {}, ...rows)),
    element("p", { class: "dim" }, "Times are UTC. The address holds what is shown: share it."),
    close,
  );
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  return dialog;
}
