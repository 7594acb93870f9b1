/** A list of facts: names and what they are, as words. */
import { element, setAttribute, setText, unbroken } from "./dom.ts";

export interface Fact {
  name: string;
  words: string;
  /** good, warning, critical; without it a plain fact. */
  state?: string | undefined;
}

export interface Facts {
  root: HTMLElement;
  update(facts: readonly Fact[]): void;
}

export function factList(): Facts {
  const root = element("dl", { class: "words" });
  let names = "";
  return {
    root,
    update(facts) {
      const wanted = facts.map(({ name }) => name).join("\n");
      if (wanted !== names) {
        names = wanted;
        root.replaceChildren(
          ...facts.flatMap(({ name }) => [element("dt", {}, name), element("dd")]),
        );
      }
      const cells = root.querySelectorAll("dd");
      facts.forEach(({ words, state }, index) => {
        const cell = cells[index]!;
        setText(cell, unbroken(words));
        cell.classList.toggle("state", state !== undefined);
        if (state !== undefined) setAttribute(cell, "data-state", state);
      });
    },
  };
}
