import type { Help } from "commander";

/** Wider terms stand on a line of their own, so that descriptions keep room to be read. */
const termWidthMax = 26;
const indent = 2;
const gap = 2;

/** How every command's help is laid out. */
export const helpStyle: Partial<Help> = {
  padWidth(command, helper) {
    const terms = [
      ...helper.visibleOptions(command).map((option) => helper.optionTerm(option)),
      ...helper.visibleCommands(command).map((child) => helper.subcommandTerm(child)),
      ...helper.visibleArguments(command).map((argument) => helper.argumentTerm(argument)),
    ];
    const fitting = terms.map((term) => term.length).filter((length) => length <= termWidthMax);
    return Math.max(8, ...fitting);
  },
  formatItem(term, termWidth, description, helper) {
    const column = indent + termWidth + gap;
    const width = Math.max(24, (helper.helpWidth ?? 80) - column);
    const pad = " ".repeat(column);
    const lines = helper.boxWrap(description, width).split("\n");
    const start = `${" ".repeat(indent)}${term}`;
    if (term.length > termWidth) return [start, ...lines.map((line) => pad + line)].join("\n");
    return [start.padEnd(column) + lines[0]!, ...lines.slice(1).map((line) => pad + line)].join(
      "\n",
    );
  },
};
