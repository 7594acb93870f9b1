/** How each part is, in words. */
import { byteCount, count, counted, percent } from "../../unit.ts";
import { numberOf, type Status } from "../api.ts";
import type { Context, Part } from "../context.ts";
import { element, panel, setAttribute, setText, unbroken } from "../dom.ts";
import { type Diagnosis, tuneFactsOf } from "../diagnosis.ts";
import { span } from "../instant.ts";
import { Poll } from "../poll.ts";

type State = "good" | "warning" | "critical" | "unknown";
interface Line {
  state: State;
  words: string;
}

const parts: readonly [name: string, of: (status: Status) => Line][] = [
  ["Feed", feedLine],
  ["Clocks", ({ clocksAgree }) => clockLine(clocksAgree)],
  ["Table", tableLine],
  ["Inference", inferenceLine],
  ["Store", storeLine],
  ["Machine", machineLine],
  ["Threads", threadLine],
];

/** An examination costs the machine a second of reading: seldom, and not while the page loads. */
const examineMs = 1_800_000;
const examineAfterMs = 5000;

export function systemPanel({ live }: Context): Part {
  const { root, head, body } = panel("State");
  const aside = element("span", { class: "aside" });
  head.append(aside);
  const made = parts.map(([name, of]) => {
    const words = element("dd", { class: "state" });
    return { name, of, words };
  });
  const list = element("dl", { class: "words" });
  for (const { name, words } of made) list.append(element("dt", {}, name), words);
  const tune = element("dd", { class: "state" }, "not examined yet");
  list.append(element("dt", {}, "Tune"), tune);
  body.append(list);
  const examinedFromMs = performance.now() + examineAfterMs;
  const examine = new Poll<Diagnosis>({
    path: () => (performance.now() < examinedFromMs ? "" : "/api/v1/diagnosis"),
    everyMs: examineMs,
    onData: (diagnosis) => {
      const [fact] = tuneFactsOf(diagnosis);
      // What to do about it is on the machine's page.
      setText(tune, unbroken(fact?.words ?? ""));
      setAttribute(tune, "title", fact?.remedy ?? "");
      setAttribute(tune, "data-state", fact?.state ?? "unknown");
    },
    onTrouble: (words) => words !== "" && setText(tune, `not examined: ${words}`),
  });

  function update(): void {
    const { status } = live;
    if (status === undefined) return;
    examine.tick();
    setText(aside, `up ${span(status.atMs - status.startedMs)}`);
    for (const { of, words } of made) {
      const line = of(status);
      setText(words, unbroken(line.words));
      setAttribute(words, "data-state", line.state);
    }
  }

  return { root, update, arrive: () => examine.start(), leave: () => examine.pause() };
}

function feedLine({ feed }: Status): Line {
  const trouble: State = feed.staleChannels > 0 ? "critical" : feed.drops > 0 ? "warning" : "good";
  const quiet = feed.datagrams === 0;
  const dropped = feed.drops > 0 ? `, ${count(feed.drops)} dropped by the kernel` : "";
  return { state: quiet ? "warning" : trouble, words: `${feed.state}${dropped}` };
}

function clockLine(agree: boolean): Line {
  return agree
    ? { state: "good", words: "sender and host agree" }
    : { state: "warning", words: "not synchronised: network_latency says only how it changes" };
}

function tableLine({ cache, inference }: Status): Line {
  if (inference.engine === "rules" && cache.entries === 0) {
    return { state: "good", words: "not needed: rules decide at once" };
  }
  const share = cache.entriesLimit > 0 ? cache.entries / cache.entriesLimit : Number.NaN;
  const waiting = cache.pending > 0 ? `, ${count(cache.pending)} waiting` : "";
  const words = `${count(cache.entries)} of ${count(cache.entriesLimit)} states (${percent(share)})${waiting}`;
  return { state: "good", words };
}

function inferenceLine({ inference }: Status): Line {
  const { engine, model, state, hosts, hostsUp, errors } = inference;
  const name = engine === "rules" || model === "" ? "" : `${model}: `;
  const failed = errors > 0 ? `, ${counted(errors, "error")}` : "";
  const down = engine !== "rules" && hostsUp < Math.max(1, hosts);
  return {
    state: down ? (hostsUp === 0 ? "critical" : "warning") : "good",
    words: `${name}${state}${failed}`,
  };
}

function storeLine({ store }: Status): Line {
  const free = store.diskFreeBytes === null ? "" : `, ${byteCount(store.diskFreeBytes)} free`;
  const waiting =
    store.waitingSeconds > 0 ? `, ${count(store.waitingSeconds)} s in memory only` : "";
  return {
    state: store.waitingSeconds > 5 ? "critical" : "good",
    words: `${store.state}, ${byteCount(store.bytes)}${free}${waiting}`,
  };
}

function machineLine({ host }: Status): Line {
  const words = `CPU ${percent(host.cpuRatio)}, load ${host.loadOne.toFixed(2)}, memory ${percent(host.memoryRatio)}, ours ${byteCount(host.residentBytes)}${host.memoryLocked ? " locked" : ""}`;
  const full = host.memoryRatio > 0.95 || host.cpuRatio > 0.95;
  return { state: full ? "warning" : "good", words };
}

/** A thread without a sign of life for so long is named. */
const lateMs = 2000;

function threadLine({ threads }: Status): Line {
  const late = threads.filter(({ beatAgeMs }) => numberOf(beatAgeMs) > lateMs);
  const restarts = threads.reduce((sum, thread) => sum + thread.restarts, 0);
  const again = restarts > 0 ? `, ${counted(restarts, "restart")}` : "";
  if (late.length === 0) {
    return { state: restarts > 0 ? "warning" : "good", words: `${threads.length} alive${again}` };
  }
  const names = late.map(
    ({ name, beatAgeMs }) => `${name} silent for ${span(numberOf(beatAgeMs))}`,
  );
  return { state: "critical", words: `${names.join(", ")}${again}` };
}
