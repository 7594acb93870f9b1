import type { ArgumentSpec, CommandSpec, FlagSpec, ValueSpec } from "./spec.ts";
import { everyCommand, firstSentence } from "./spec.ts";

/** A script that zsh reads: `source <(hftedge completion zsh)`, or as _hftedge in $fpath. */
export function zshCompletion(program: CommandSpec): string {
  return `#compdef hftedge
# zsh completion of hftedge: source <(hftedge completion zsh), or save it as _hftedge in $fpath.
${everyCommand(program).map(functionOf).join("\n")}
if [ "$funcstack[1]" = "_hftedge" ]; then
  _hftedge "$@"
else
  compdef _hftedge hftedge
fi
`;
}

function functionName(path: readonly string[]): string {
  return ["_hftedge", ...path].join("__");
}

function functionOf(command: CommandSpec): string {
  const name = functionName(command.path);
  const flags = command.flags.map((flag) => `    ${flagWord(flag)}`);
  if (command.commands.length === 0) {
    const list = command.arguments.map((argument, index) => `    ${argumentWord(argument, index)}`);
    return `${name}() {\n  _arguments -s \\\n${[...flags, ...list].join(" \\\n")}\n}`;
  }
  const described = command.commands.map((child) => {
    return `        ${quoted(`${child.name}:${firstSentence(child.summary)}`)}`;
  });
  const cases = command.commands.map((child) => {
    return `        ${child.name}) ${functionName(child.path)} ;;`;
  });
  return `${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C -s \\
${flags.join(" \\\n")} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a commands=(
${described.join("\n")}
        'help:show the help of a command'
      )
      _describe command commands ;;
    rest)
      case $words[1] in
${cases.join("\n")}
        help) compadd ${command.commands.map((child) => child.name).join(" ")} ;;
      esac ;;
  esac
}`;
}

/** '(-h --help)'{-h,--help}'[help]:value:action'; a long flag also takes its value after "=". */
function flagWord({ long, short, placeholder, optional, help, value }: FlagSpec): string {
  const colons = optional ? "::" : ":";
  const action = placeholder === null ? "" : `${colons}${escaped(placeholder)}:${actionOf(value)}`;
  const tail = quoted(`[${escaped(firstSentence(help))}]${action}`);
  const sign = placeholder === null ? "" : "=";
  if (short === null) return `'*${long}${sign}'${tail}`;
  return `{'*${short}','*${long}${sign}'}${tail}`;
}

function argumentWord({ name, required, variadic, value }: ArgumentSpec, index: number): string {
  const place = variadic ? "*" : String(index + 1);
  return quoted(`${place}${required || variadic ? ":" : "::"}${escaped(name)}:${actionOf(value)}`);
}

function actionOf(value: ValueSpec): string {
  switch (value.kind) {
    case "choice":
      return `(${value.choices.join(" ")})`;
    case "file":
      return "_files";
    case "directory":
      return "_files -/";
    default:
      // An empty action offers nothing and still takes the word.
      return " ";
  }
}

function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
