/** Reads hftedge.toml: the parsed tree, and the line each key stands on. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EdgeError } from "../error.ts";

export interface TomlFile {
  path: string;
  tree: Record<string, unknown>;
  lines: ReadonlyMap<string, number>;
}

const fileBytesMax = 1_048_576;

/** The file that --config or HFTEDGE_CONFIG names, else ./hftedge.toml, else the system's, else null. */
export function findFile(
  named: string | undefined,
  directory: string,
  systemFile = "/etc/hftedge/hftedge.toml",
): string | null {
  if (named !== undefined) return named;
  const local = join(directory, "hftedge.toml");
  if (existsSync(local)) return local;
  return existsSync(systemFile) ? systemFile : null;
}

const unreadable: Record<string, string> = {
  ENOENT: "Make one with `hftedge config init > hftedge.toml`, or leave out --config.",
  EISDIR: "Name the file in that directory.",
  ENOTDIR: "Name a file that exists.",
};

export function readToml(path: string): TomlFile {
  let text: string;
  try {
    if (statSync(path).size > fileBytesMax) {
      throw new EdgeError(
        "CONFIG_UNREADABLE",
        `${path} is larger than ${fileBytesMax} bytes`,
        "Name a configuration file with --config.",
      );
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new EdgeError(
      "CONFIG_UNREADABLE",
      `cannot read ${path}: ${code}`,
      unreadable[code] ?? `Make it readable for this user: chmod a+r ${path}`,
      error,
    );
  }
  return { path, tree: parseToml(path, text), lines: keyLines(text) };
}

function parseToml(path: string, text: string): Record<string, unknown> {
  try {
    return Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const line = brokenLine(text);
    const shown = text.split("\n")[line - 1]?.trim() ?? "";
    throw new EdgeError(
      "CONFIG_SYNTAX",
      `${path}:${line}: not TOML: ${reason} near \`${shown.slice(0, 60)}\``,
      'Strings stand in quotes, lists in brackets: listen = "127.0.0.1:8080".',
      error,
    );
  }
}

/**
 * The parser's own line numbers cannot be relied on, so the mistake is located by parsing ever
 * longer beginnings of the file: it starts right after the longest one that is good.
 */
function brokenLine(text: string): number {
  const lines = text.split("\n").slice(0, 2000);
  for (let count = lines.length; count > 0; count--) {
    try {
      Bun.TOML.parse(lines.slice(0, count).join("\n"));
    } catch {
      continue;
    }
    let line = count + 1;
    while (line < lines.length && /^\s*(?:#.*)?$/.test(lines[line - 1]!)) line++;
    return Math.min(line, lines.length);
  }
  return 1;
}

/** Lines of the keys by path ("http.listen", "feed[0].name"), as far as plain layout shows them. */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let prefix = "";
  text.split("\n").forEach((line, index) => {
    const list = /^\s*\[\[\s*([\w.-]+)\s*\]\]/.exec(line)?.[1];
    const section = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line)?.[1];
    const key = /^\s*([\w.-]+)\s*=/.exec(line)?.[1];
    if (list !== undefined) {
      const count = counts.get(list) ?? 0;
      counts.set(list, count + 1);
      prefix = `${list}[${count}].`;
      lines.set(prefix.slice(0, -1), index + 1);
    } else if (section !== undefined) {
      prefix = `${section}.`;
      if (!lines.has(section)) lines.set(section, index + 1);
    } else if (key !== undefined && !lines.has(prefix + key)) {
      lines.set(prefix + key, index + 1);
    }
  });
  return lines;
}
