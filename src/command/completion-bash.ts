import { everyCommand, type CommandSpec, type ValueSpec } from "./spec.ts";

/** A script that bash reads: `source <(hftedge completion bash)`. */
export function bashCompletion(program: CommandSpec): string {
  const commands = everyCommand(program);
  return `# bash completion of hftedge: source <(hftedge completion bash)
_hftedge_words() {
  case "$1" in
${commands
  .filter(({ commands: children }) => children.length > 0)
  .map(({ path, commands: children }) => {
    const words = [...children.map(({ name }) => name), "help"].join(" ");
    return `    "${path.join(" ")}") _hftedge_reply="${words}" ;;`;
  })
  .join("\n")}
    *) _hftedge_reply="" ;;
  esac
}
_hftedge_flags() {
  case "$1" in
${commands
  .map(({ path, flags }) => {
    const words = flags.flatMap(({ long, short }) => (short === null ? [long] : [long, short]));
    return `    "${path.join(" ")}") _hftedge_reply="${words.join(" ")}" ;;`;
  })
  .join("\n")}
    *) _hftedge_reply="" ;;
  esac
}
# What the flag $2 of the command $1 takes: words, @file, @directory, @text, or nothing.
_hftedge_values() {
  case "$1:$2" in
${flagCases(commands).join("\n")}
    *) _hftedge_reply="" ;;
  esac
}
_hftedge_arguments() {
  case "$1" in
${commands
  .filter(({ arguments: list }) => list.length > 0)
  .map(({ path, arguments: list }) => {
    return `    "${path.join(" ")}") _hftedge_reply="${valueWords(list.at(-1)!.value)}" ;;`;
  })
  .join("\n")}
    *) _hftedge_reply="" ;;
  esac
}
_hftedge() {
  local _hftedge_reply cur prev path="" word flag index
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if [[ $word == -* ]]; then
      _hftedge_values "$path" "$word"
      [[ -n $_hftedge_reply && \${COMP_WORDS[index+1]} != "=" ]] && ((index++))
      continue
    fi
    _hftedge_words "$path"
    [[ " $_hftedge_reply " == *" $word "* ]] && path="\${path:+$path }$word"
  done
  # bash splits --flag=value at the sign.
  flag=""
  if [[ $cur == "=" ]]; then flag="$prev"; cur=""
  elif [[ $prev == "=" ]]; then flag="\${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ $prev == -* ]]; then flag="$prev"
  fi
  if [[ -n $flag ]]; then
    _hftedge_values "$path" "$flag"
    [[ -n $_hftedge_reply ]] && { _hftedge_offer "$_hftedge_reply" "$cur"; return; }
  fi
  if [[ $cur == -* ]]; then
    _hftedge_flags "$path"
  elif [[ $path == "help" || $path == *" help" ]]; then
    path="\${path%help}"
    _hftedge_words "\${path% }"
  else
    _hftedge_words "$path"
    [[ -z $_hftedge_reply ]] && _hftedge_arguments "$path"
  fi
  _hftedge_offer "$_hftedge_reply" "$cur"
}
_hftedge_offer() {
  case "$1" in
    @file) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    @directory) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
    @text) COMPREPLY=() ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2") ;;
  esac
}
complete -F _hftedge hftedge
`;
}

function valueWords(value: ValueSpec): string {
  switch (value.kind) {
    case "none":
      return "";
    case "choice":
      return value.choices.join(" ");
    default:
      return `@${value.kind}`;
  }
}

/** One case a flag where every command that has it agrees, else one a command. */
function flagCases(commands: readonly CommandSpec[]): string[] {
  const byFlag = new Map<string, Map<string, string[]>>();
  for (const { path, flags } of commands) {
    for (const { long, short, value } of flags) {
      const words = valueWords(value);
      if (words === "") continue;
      for (const name of short === null ? [long] : [long, short]) {
        const forms = byFlag.get(name) ?? new Map<string, string[]>();
        forms.set(words, [...(forms.get(words) ?? []), path.join(" ")]);
        byFlag.set(name, forms);
      }
    }
  }
  return [...byFlag].flatMap(([name, forms]) =>
    [...forms].map(([words, paths]) => {
      const everywhere = forms.size === 1 && allThatHaveIt(commands, name, paths.length);
      const pattern = everywhere
        ? `*:${name}`
        : paths.map((path) => `"${path}:${name}"`).join(" | ");
      return `    ${pattern}) _hftedge_reply="${words}" ;;`;
    }),
  );
}

function allThatHaveIt(commands: readonly CommandSpec[], name: string, count: number): boolean {
  const having = commands.filter(({ flags }) =>
    flags.some(({ long, short }) => long === name || short === name),
  );
  return having.length === count;
}
