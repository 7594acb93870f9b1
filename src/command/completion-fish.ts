import { everyCommand, firstSentence, type CommandSpec, type FlagSpec } from "./spec.ts";

/** A script that fish reads: `hftedge completion fish | source`. */
export function fishCompletion(program: CommandSpec): string {
  const commands = everyCommand(program);
  return `# fish completion of hftedge: hftedge completion fish | source
function __hftedge_path
    set -l path
    for word in (commandline -opc)[2..-1]
        switch "$path/$word"
            case ${commands
              .filter(({ path }) => path.length > 0)
              .map(({ path }) => quoted([path.slice(0, -1).join(" "), path.at(-1)].join("/")))
              .join(" ")}
                set path (string trim -- "$path $word")
        end
    end
    echo $path
end
function __hftedge_at
    test (__hftedge_path) = "$argv"
end
complete -c hftedge -f
${commands.flatMap(linesOf).join("\n")}
`;
}

function linesOf(command: CommandSpec): string[] {
  const at = `-n ${quoted(`__hftedge_at ${command.path.join(" ")}`.trim())}`;
  const children = command.commands.map((child) => {
    return `complete -c hftedge ${at} -a ${child.name} -d ${quoted(firstSentence(child.summary))}`;
  });
  const list = command.arguments.flatMap(({ value }) => {
    if (value.kind === "file") return [`complete -c hftedge ${at} -F`];
    if (value.kind === "directory") {
      return [`complete -c hftedge ${at} -a '(__fish_complete_directories)'`];
    }
    if (value.kind === "choice") {
      return [`complete -c hftedge ${at} -a ${quoted(value.choices.join(" "))}`];
    }
    return [];
  });
  return [...children, ...list, ...command.flags.map((flag) => flagLine(at, flag))];
}

function flagLine(at: string, { long, short, optional, help, value }: FlagSpec): string {
  const name = `${short === null ? "" : `-s ${short.slice(1)} `}-l ${long.slice(2)}`;
  const line = `complete -c hftedge ${at} ${name} -d ${quoted(firstSentence(help))}`;
  switch (value.kind) {
    case "none":
      return line;
    case "choice":
      return `${line} ${optional ? "" : "-x "}-a ${quoted(value.choices.join(" "))}`;
    case "file":
      return `${line} -r -F`;
    case "directory":
      return `${line} -x -a '(__fish_complete_directories)'`;
    case "text":
      return `${line} ${optional ? "" : "-x"}`.trimEnd();
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
