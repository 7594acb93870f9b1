/**
 * What tune changed and what was there before: one file of JSON lines, on disk before the first
 * write, so that whatever happens afterwards can be taken back or finished. Its head and entries are
 * written as one file; progress is appended line by line, each synced.
 */
import type { FileStat, Host } from "../host/host.ts";
import { temporarySuffix } from "../host/host.ts";
import { EdgeError } from "../error.ts";
import type { PlanRequest } from "./plan.ts";
import type { Outcome, Target } from "./target.ts";

/**
 * Apart from the service's state, which systemd hands to the service's own user: root undoes what
 * this file says, so only root may write it, and everybody may read it for `tune status`.
 */
export const stateFolder = "/var/lib/hftedge-tune";
export const journalPath = `${stateFolder}/journal`;
const version = 1;
const openMode = 0o644;
const secretMode = 0o600;

export interface JournalEntry {
  key: string;
  /** The plan's item, or "file" and "unit" for what serves several. */
  setting: string;
  /** The run that wrote it last, counted from 1. */
  run: number;
  target: Target;
  /** What was there before tune ever touched it; null: it was absent. */
  original: string | null;
  /** Owner and mode of a file that was there. */
  stat: FileStat | null;
  /** What was there before this run. */
  before: string | null;
  desired: string | null;
  /** "planned": not touched yet; "started": perhaps written; "done": written and read back. */
  phase: "planned" | "started" | "done";
  outcome: Outcome | null;
  /** What it read back as. */
  accepted: string | null;
  reason: string | null;
}

/** A command that has to follow the writes: owed until it ran. */
export interface Owed {
  command: readonly string[];
  /** For a restart: the process that still runs with the old settings. */
  pid: number;
}

export interface Journal {
  request: PlanRequest;
  run: number;
  /** Folders that were not there, outermost first. */
  directories: readonly string[];
  /** Until when this run has to be confirmed, epoch ms; null: it needs no confirmation, or has it. */
  confirmByMs: number | null;
  /** The journal's text before this run, which an unconfirmed run goes back to. */
  previous: string | null;
  entries: Map<string, JournalEntry>;
  owed: Map<string, Owed>;
}

type Line =
  | {
      line: "begin";
      version: number;
      request: PlanRequest;
      run: number;
      directories: readonly string[];
      confirmByMs: number | null;
      previous: string | null;
    }
  | { line: "entry"; entry: JournalEntry }
  | { line: "started"; key: string }
  | {
      line: "done";
      key: string;
      outcome: Outcome;
      accepted: string | null;
      reason: string | null;
    }
  | { line: "restored"; key: string }
  | { line: "owed"; owed: Owed }
  | { line: "ran"; command: readonly string[] }
  | { line: "confirmed" };

const name = (command: readonly string[]): string => command.join(" ");

function fold(journal: Journal, line: Line): void {
  switch (line.line) {
    case "begin":
      break;
    case "entry":
      journal.entries.set(line.entry.key, line.entry);
      break;
    case "started":
    case "done": {
      const entry = journal.entries.get(line.key);
      if (entry === undefined) break;
      entry.phase = line.line;
      if (line.line === "done") {
        entry.outcome = line.outcome;
        entry.accepted = line.accepted;
        entry.reason = line.reason;
      }
      break;
    }
    case "restored":
      journal.entries.delete(line.key);
      break;
    case "owed":
      journal.owed.set(name(line.owed.command), line.owed);
      break;
    case "ran":
      journal.owed.delete(name(line.command));
      break;
    case "confirmed":
      journal.confirmByMs = null;
      break;
  }
}

/** Throws EdgeError JOURNAL_DAMAGED, except for a last line that a crash cut short. */
export function parseJournal(text: string): Journal {
  const lines = text.split("\n");
  let journal: Journal | null = null;
  lines.forEach((raw, index) => {
    if (raw === "") return;
    let line: Line;
    try {
      line = JSON.parse(raw) as Line;
    } catch (error) {
      if (index === lines.length - 1 && journal !== null) return;
      throw damaged(`line ${index + 1} is not JSON`, error);
    }
    if (journal !== null) return fold(journal, line);
    if (line.line !== "begin") throw damaged("it does not start with its head");
    if (line.version !== version) throw damaged(`it is of version ${line.version}, not ${version}`);
    const { request, run, directories, confirmByMs, previous } = line;
    journal = {
      request,
      run,
      directories,
      confirmByMs,
      previous,
      entries: new Map(),
      owed: new Map(),
    };
  });
  if (journal === null) throw damaged("it is empty");
  return journal;
}

function damaged(what: string, cause?: unknown): EdgeError {
  return new EdgeError(
    "JOURNAL_DAMAGED",
    `${journalPath} cannot be read: ${what}`,
    "it holds the original values: read it, put them back by hand, then remove it",
    cause,
  );
}

/**
 * The journal of what is applied, or null when nothing is. Throws EdgeError where there is one that
 * cannot be read: to take it for none would lose the originals.
 */
export function readJournal(host: Host): Journal | null {
  const stat = host.stat(journalPath);
  if (stat === null) return null;
  const strange = stat.kind !== "file" || (stat.mode & 0o022) !== 0;
  if (strange || (host.root === "" && stat.uid !== 0)) {
    throw damaged("others than root can change it");
  }
  const text = host.read(journalPath);
  if (text !== null) return parseJournal(text);
  if (host.privileged) throw damaged("it is too large or the disk does not give it back");
  throw new EdgeError(
    "JOURNAL_SECRET",
    `${journalPath} holds the text of a file that only its owner may read`,
    "run it with sudo",
  );
}

/**
 * The journal's text as a later run keeps it, to go back to. What it could have gone back to itself is
 * left out: it was confirmed, and each run would hold all the runs before it.
 */
export function previousText(host: Host): string | null {
  const text = host.read(journalPath);
  if (text === null) return null;
  const end = text.indexOf("\n");
  const head = JSON.parse(text.slice(0, end)) as Line & { line: "begin" };
  if (head.previous === null) return text;
  return JSON.stringify({ ...head, previous: null }) + text.slice(end);
}

function textOf(journal: Journal): string {
  const { request, run, directories, confirmByMs, previous, entries, owed } = journal;
  const lines: Line[] = [
    { line: "begin", version, request, run, directories, confirmByMs, previous },
    ...[...entries.values()].map((entry): Line => ({ line: "entry", entry })),
    ...[...owed.values()].map((item): Line => ({ line: "owed", owed: item })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Puts a journal in place as a whole. One that was secret stays so: old texts may be in the new one. */
export function replaceJournal(host: Host, text: string, secret = false): void {
  const mode = host.stat(journalPath)?.mode ?? openMode;
  const kept = secret || (mode & 0o004) === 0 ? secretMode : openMode;
  host.replaceFile(journalPath, new TextEncoder().encode(text), kept);
}

/** The journal on disk: each call returns when its line is there. */
export class JournalWriter {
  private readonly host: Host;
  readonly journal: Journal;

  /** For a journal that is new; what is on disk already is gone on with by `resume`. */
  constructor(host: Host, journal: Journal) {
    this.host = host;
    this.journal = journal;
  }

  /** Goes on with a journal on disk; a last line that a crash cut short is taken away first. */
  static resume(host: Host, journal: Journal): JournalWriter {
    const writer = new JournalWriter(host, journal);
    if (host.read(journalPath)?.endsWith("\n") !== true) writer.begin();
    return writer;
  }

  /** Writes head and entries as one new file. */
  begin(): void {
    const entries = [...this.journal.entries.values()];
    // Originals of files that others must not read must not be readable here either.
    const secret = entries.some(({ stat }) => stat !== null && (stat.mode & 0o004) === 0);
    replaceJournal(this.host, textOf(this.journal), secret);
  }

  private add(line: Line): void {
    fold(this.journal, line);
    this.host.append(journalPath, `${JSON.stringify(line)}\n`);
  }

  started(key: string): void {
    this.add({ line: "started", key });
  }
  done(key: string, outcome: Outcome, accepted: string | null, reason: string | null): void {
    this.add({ line: "done", key, outcome, accepted, reason });
  }
  restored(key: string): void {
    this.add({ line: "restored", key });
  }
  owe(owed: Owed): void {
    this.add({ line: "owed", owed });
  }
  ran(command: readonly string[]): void {
    this.add({ line: "ran", command });
  }
  confirmed(): void {
    this.add({ line: "confirmed" });
  }
}

/** A new file that a crash left before it was renamed into place. */
export function removeStray(host: Host, path: string): void {
  if (host.stat(path + temporarySuffix) !== null) host.remove(path + temporarySuffix);
}
