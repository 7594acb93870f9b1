/**
 * As much of a document as the page's own code needs to be run at build time, and its text as HTML.
 * What the code sets later (`textContent =`) is a number or a word of some moment: only its room is
 * kept, with a nought for every digit. What it is made with is kept as it is.
 */

/** A text that begins with it, however often, is one of some moment too. */
export const blankMark = "\u200b";

export class ShellText {
  parentNode: ShellElement | undefined;
  readonly textContent: string;
  readonly blank: boolean;

  constructor(text: string, blank: boolean) {
    this.textContent = text;
    this.blank = blank;
  }

  get nextSibling(): ShellNode | null {
    return siblingAfter(this);
  }
}

export type ShellNode = ShellElement | ShellText;

const voidTags = new Set(["input"]);
/** What would claim something of the run, or of the page's later states. */
const omitted = new Set([
  "aria-current",
  "aria-live",
  "aria-selected",
  "data-decision",
  "data-state",
  "elementtiming",
  "title",
]);

export class ShellElement {
  parentNode: ShellElement | undefined;
  readonly tag: string;
  readonly childNodes: ShellNode[] = [];
  readonly #attributes = new Map<string, string>();
  hidden = false;
  href = "";
  value = "";

  constructor(tag: string) {
    this.tag = tag;
  }

  get firstChild(): ShellNode | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): ShellNode | null {
    return siblingAfter(this);
  }

  get options(): ShellElement[] {
    return this.childNodes.filter((node) => node instanceof ShellElement);
  }

  get textContent(): string {
    return this.childNodes.map((node) => node.textContent).join("");
  }

  set textContent(text: string) {
    this.replaceChildren();
    if (text !== "") this.#add(new ShellText(text, true), this.childNodes.length);
  }

  get classList(): { add(name: string): void; toggle(name: string, on: boolean): void } {
    const names = new Set((this.getAttribute("class") ?? "").split(" ").filter(Boolean));
    const keep = (): void => this.setAttribute("class", [...names].join(" "));
    return {
      add: (name) => {
        names.add(name);
        keep();
      },
      toggle: (name, on) => {
        if (on) names.add(name);
        else names.delete(name);
        keep();
      },
    };
  }

  append(...nodes: (ShellNode | string)[]): void {
    for (const node of nodes) {
      this.#add(
        typeof node === "string" ? new ShellText(node, node.startsWith(blankMark)) : node,
        this.childNodes.length,
      );
    }
  }

  insertBefore(node: ShellNode, before: ShellNode | null): void {
    const index = before === null ? -1 : this.childNodes.indexOf(before);
    this.#add(node, index < 0 ? this.childNodes.length : index);
  }

  replaceChildren(...nodes: (ShellNode | string)[]): void {
    for (const node of this.childNodes) node.parentNode = undefined;
    this.childNodes.length = 0;
    this.append(...nodes);
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null;
  }

  setAttribute(name: string, value: string): void {
    this.#attributes.set(name, value);
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name);
  }

  /** The shell hears nothing. */
  addEventListener(): void {}

  #add(node: ShellNode, index: number): void {
    node.parentNode = this;
    this.childNodes.splice(index, 0, node);
  }

  html(): string {
    const attributes = [...this.#attributes]
      .filter(([name, value]) => !omitted.has(name) && (value !== "" || name === "d"))
      .map(([name, value]) => ` ${name}="${escaped(value)}"`);
    if (this.href !== "" && !this.#attributes.has("href")) {
      attributes.push(` href="${escaped(this.href)}"`);
    }
    if (this.hidden) attributes.push(" hidden");
    const start = `<${this.tag}${attributes.join("")}>`;
    if (voidTags.has(this.tag)) return start;
    // A picture of nothing: its size comes from the style sheet.
    if (this.tag === "svg") return `${start}</svg>`;
    for (const option of this.options) {
      if (this.tag === "select" && option.getAttribute("value") === this.value) {
        option.setAttribute("selected", "selected");
      }
    }
    const children = this.childNodes.map((node) =>
      node instanceof ShellElement ? node.html() : textHtml(node),
    );
    return `${start}${children.join("")}</${this.tag}>`;
  }
}

function textHtml({ textContent, blank }: ShellText): string {
  if (!blank) return escaped(textContent);
  const text = textContent.replaceAll(blankMark, "").replaceAll(/\d/g, "0");
  return `<i>${escaped(text)}</i>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function siblingAfter(node: ShellNode): ShellNode | null {
  const all = node.parentNode?.childNodes ?? [];
  return all[all.indexOf(node) + 1] ?? null;
}
