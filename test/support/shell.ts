/** What a real shell offers when Tab is pressed after a line. */
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** zsh scans a thousand functions at its start unless it finds what it found the last time. */
const zshDump = join(tmpdir(), `hftedge-zcompdump-${process.pid}`);
process.on("exit", () => rmSync(zshDump, { force: true }));

export type Shell = "bash" | "zsh" | "fish";

/** `script` is the completion script; `folder` is the shell's current folder. */
export async function offered(
  shell: Shell,
  script: string,
  line: string,
  folder: string,
): Promise<string[]> {
  const path = join(folder, `.completion.${shell}`);
  writeFileSync(path, script);
  const child = Bun.spawn(commandFor(shell, path, line), {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "dumb" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 30_000,
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0 || stderr !== "") throw new Error(`${shell}: ${stderr}${stdout}`);
  return stdout
    .split("\n")
    .map((word) => word.split("\t")[0]!.trim())
    .filter((word) => word !== "");
}

function commandFor(shell: Shell, path: string, line: string): string[] {
  switch (shell) {
    case "bash":
      return ["bash", "--norc", "-c", bashDriver, "bash", path, line];
    case "zsh":
      return ["zsh", "-f", "-c", zshDriver, "zsh", path, line, zshDump];
    case "fish":
      return ["fish", "--no-config", "-c", fishDriver, path, line];
  }
}

/** bash splits a line at spaces and at the characters of COMP_WORDBREAKS, of which = matters here. */
const bashDriver = `
source "$1"
line=" $2"
read -ra COMP_WORDS <<< "\${2//=/ = }"
[[ $2 == *" " || $2 == *"=" ]] && COMP_WORDS+=("")
[[ $2 == *"=" ]] && unset 'COMP_WORDS[-1]'
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
COMP_LINE="$2" COMP_POINT=\${#2}
_hftedge
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/**
 * An interactive zsh in a pseudo-terminal, whose compadd also prints what it would offer. The
 * terminal echoes the set-up, so the marks that are looked for are broken up in it.
 */
const zshDriver = `
zmodload zsh/zpty
setup='
  PS1=; unsetopt beep zle_bracketed_paste
  autoload -Uz compinit; compinit -u -d '"\${(q)3}"'
  source '"\${(q)1}"'
  bindkey "^I" complete-word
  zstyle ":completion:*" insert-tab false
  compadd() {
    if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits; builtin compadd -A hits "$@"
    local hit; for hit in $hits; do print -r -- "<H""IT>$hit</HIT>"; done
    builtin compadd "$@"
  }
  leave() { print "<E""ND>"; exit }
  comppostfuncs=(leave)
  print "REA""DY"
'
zpty z zsh -f -i
zpty -w z "$setup"
zpty -r -m z seen '*READY*' || exit 1
zpty -w -n z "$2"$'\\t'
zpty -r -m z text '*<END>*' || exit 1
print -r -- "$text" | tr -d '\\r' | grep -o '<HIT>[^<]*</HIT>' | sed 's/<[^>]*>//g' || true
`;

const fishDriver = `
source $argv[1]
complete -C $argv[2]
`;
