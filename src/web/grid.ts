/** Tables whose columns are data: a heading and what to write into the cell of an item. */
import { type Child, element, type Row, Rows, setAttribute, setText } from "./dom.ts";

export interface Column<Item> {
  title: string;
  /** Right-aligned with tabular digits. */
  number?: boolean;
  /** Takes the room that is left. */
  wide?: boolean;
  /** Takes the room that is left and is cut there; all of it is in the cell's title. */
  clip?: boolean;
  className?: string;
  help?: string;
  text?(item: Item): string;
  /** For cells that are more than text: made once, updated with each item. */
  make?(item: Item): { nodes: Child[]; update(item: Item): void };
}

export interface GridOptions<Item> {
  columns: readonly Column<Item>[];
  keyOf(item: Item): string;
  /** What a click on the row does; there must be a link for the keyboard as well. */
  onRow?(item: Item): void;
}

export interface Grid<Item> {
  root: HTMLTableElement;
  update(items: readonly Item[]): void;
}

export function grid<Item>(options: GridOptions<Item>): Grid<Item> {
  const { columns, keyOf } = options;
  const titles = columns.map(({ title, number, clip, className, help }) =>
    element("th", attributes({ number, clip, className, help }), title),
  );
  const body = element("tbody");
  const head = element("thead", {}, element("tr", {}, ...titles));
  const root = element("table", {}, head, body);
  const rows = new Rows<Item>(body, keyOf, (item) => rowOf(options, item));
  return { root, update: (items) => rows.update(items) };
}

function rowOf<Item>({ columns, onRow }: GridOptions<Item>, first: Item): Row<Item> {
  let current = first;
  const updates: ((item: Item) => void)[] = [];
  const cells = columns.map(({ number, wide, clip, className, text, make }) => {
    const cell = element("td", attributes({ number, wide, clip, className }));
    if (make !== undefined) {
      const { nodes, update } = make(first);
      cell.append(...nodes);
      updates.push(update);
    } else if (text !== undefined) updates.push((item) => setText(cell, text(item)));
    if (clip === true) updates.push(() => setAttribute(cell, "title", cell.textContent ?? ""));
    return cell;
  });
  const root = element("tr", onRow === undefined ? {} : { class: "link" }, ...cells);
  if (onRow !== undefined) {
    root.addEventListener("click", (event) => {
      const { target } = event;
      if (!(target instanceof Element && target.closest("a") !== null)) onRow(current);
    });
  }
  return {
    root,
    update(item) {
      current = item;
      for (const update of updates) update(item);
    },
  };
}

interface Look {
  number?: boolean | undefined;
  wide?: boolean | undefined;
  clip?: boolean | undefined;
  className?: string | undefined;
  help?: string | undefined;
}

function attributes({ help, className, ...look }: Look): Record<string, string> {
  const classes = Object.entries(look).flatMap(([name, on]) => (on === true ? [name] : []));
  if (className !== undefined) classes.push(className);
  return {
    ...(classes.length === 0 ? {} : { class: classes.join(" ") }),
    ...(help === undefined ? {} : { title: help }),
  };
}

/** A cell with a link. */
export function linkCell<Item>(
  textOf: (item: Item) => string,
  hrefOf: (item: Item) => string,
): NonNullable<Column<Item>["make"]> {
  return () => {
    const link = element("a");
    return {
      nodes: [link],
      update(item) {
        setText(link, textOf(item));
        const href = hrefOf(item);
        if (link.getAttribute("href") !== href) link.setAttribute("href", href);
      },
    };
  };
}
