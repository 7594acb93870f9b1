/**
 * Keeps one CPU to one thread of this process. The runtime has threads of its own (collector,
 * compilers, pool), which appear when they are needed and inherit the CPUs of whoever made them: a
 * compiler thread made by a pinned thread would run on its core and nowhere else.
 */
import { readdirSync, readFileSync } from "node:fs";
import { placeThread, setThreadNice, threadCpus } from "./libc.ts";

export interface TaskThread {
  id: number;
  name: string;
}

/** The threads of this process; empty where /proc cannot be read. */
export function listThreads(directory = "/proc/self/task"): TaskThread[] {
  try {
    return readdirSync(directory).flatMap((entry) => {
      const name = readName(`${directory}/${entry}/comm`);
      return name === undefined ? [] : [{ id: Number(entry), name }];
    });
  } catch {
    return [];
  }
}

/** Undefined for a thread that has ended meanwhile. */
function readName(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

export interface CoreGuardCalls {
  list(): TaskThread[];
  cpusOf(id: number): number[];
  /** 0, or the errno. */
  place(id: number, cpus: readonly number[]): number;
}

const machine: CoreGuardCalls = { list: listThreads, cpusOf: threadCpus, place: placeThread };

/**
 * Moves every thread but `owner` off the CPU, to those of `allowed`; returns the names of the
 * threads that it moved, and of those that would not go. To be called again now and then, because
 * new threads appear. Does nothing when there is no other CPU.
 */
export function clearCore(
  cpu: number,
  owner: number,
  allowed: readonly number[],
  calls: CoreGuardCalls = machine,
): { moved: string[]; refused: string[] } {
  const others = allowed.filter((other) => other !== cpu);
  const moved: string[] = [];
  const refused: string[] = [];
  if (others.length === 0) return { moved, refused };
  for (const { id, name } of calls.list()) {
    if (id === owner || !calls.cpusOf(id).includes(cpu)) continue;
    (calls.place(id, others) === 0 ? moved : refused).push(name);
  }
  return { moved, refused };
}

/**
 * The allocator's thread that hands unused memory back. It tries again and again where memory is
 * locked (about 1 % of a core was seen), and nobody waits for it.
 */
const cleaners: readonly string[] = ["mi-scavenger"];
const lowest = 19;

/** Lets everything else go before the runtime's cleaners; returns how many there are. */
export function humbleCleaners(
  list: () => TaskThread[] = listThreads,
  setNice: (nice: number, id: number) => number = setThreadNice,
): number {
  const found = list().filter(({ name }) => cleaners.includes(name));
  for (const { id } of found) setNice(lowest, id);
  return found.length;
}
