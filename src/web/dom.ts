/** The few things that are needed of the document. Text is always set as text, never as markup. */

export type Child = Node | string;
type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const svgNamespace = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Touches the document only when the text is another one. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** A number and its unit stay on one line. */
export function unbroken(text: string): string {
  return text.replaceAll(/(?<=\d) (?=[a-zµ%°])/gi, "\u00a0");
}

export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node: HTMLElement, hidden: boolean): void {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/** Where a list is empty only because nobody has answered yet: that there is nothing is no claim. */
export const notKnown = "Loading …";

export interface Row<Item> {
  root: HTMLElement;
  update(item: Item): void;
}

/** Rows that follow a list of items: each is made once for its key, moved, updated and removed. */
export class Rows<Item> {
  readonly #body: HTMLElement;
  readonly #keyOf: (item: Item) => string;
  readonly #create: (item: Item) => Row<Item>;
  readonly #rows = new Map<string, Row<Item>>();

  constructor(body: HTMLElement, keyOf: (item: Item) => string, create: (item: Item) => Row<Item>) {
    this.#body = body;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  update(items: readonly Item[]): void {
    const seen = new Set<string>();
    let next = this.#body.firstChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      if (seen.has(key)) continue;
      seen.add(key);
      let row = this.#rows.get(key);
      if (row === undefined) {
        row = this.#create(item);
        this.#rows.set(key, row);
      }
      row.update(item);
      if (row.root === next) next = next.nextSibling;
      else this.#body.insertBefore(row.root, next);
    }
    for (const [key, row] of this.#rows) {
      if (seen.has(key)) continue;
      row.root.remove();
      this.#rows.delete(key);
    }
  }
}

/** A panel with its heading; what is returned is its body, and the place beside the heading. */
export function panel(
  title: string,
  className = "",
): { root: HTMLElement; head: HTMLElement; body: HTMLElement } {
  const heading = element("h2", {}, title);
  const head = element("div", { class: "panel-head" }, heading);
  const body = element("div", { class: "panel-body" });
  const root = element("section", { class: `panel ${className}`, "aria-label": title }, head, body);
  return { root, head, body };
}
