/**
 * The words on stderr: a line for people, or one JSON object a line. Under systemd each line begins
 * with its priority, so that journald files it rightly.
 */
export type LogLevel = "error" | "warn" | "info" | "debug";

const rank: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };
/** syslog's priorities: err, warning, info, debug. */
const priority: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7 };

export interface LogOptions {
  level: LogLevel;
  format: "text" | "json";
  /** stderr is connected to the journal (JOURNAL_STREAM is set). */
  journal: boolean;
}

/** The line, with its end, or undefined when the level is below what is wanted. */
export function logLine(
  options: LogOptions,
  level: LogLevel,
  text: string,
  atMs: number,
  fields: Readonly<Record<string, unknown>> = {},
): string | undefined {
  if (rank[level] > rank[options.level]) return undefined;
  const time = new Date(atMs).toISOString();
  if (options.format === "json") {
    return `${JSON.stringify({ time, level, message: text, ...fields })}\n`;
  }
  const details = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  if (options.journal) {
    // The journal takes each line by itself.
    const prefix = `<${priority[level]}>`;
    return `${prefix}${`${text}${details.join("")}`.replaceAll("\n", `\n${prefix}`)}\n`;
  }
  const label = level === "info" ? "" : `${level}: `;
  return `${time.slice(11, 23)} ${label}${text}${details.join("")}\n`;
}
