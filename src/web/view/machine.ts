/** What on this machine costs latency, what tune says of it, and the appliance's own story. */
import { byteCount, count, percent } from "../../unit.ts";
import type { Page } from "../api.ts";
import type { Context, Part } from "../context.ts";
import {
  type Diagnosis,
  type Finding,
  findingState,
  tuneFactsOf,
  withRemedy,
} from "../diagnosis.ts";
import { element, notKnown, panel, setAttribute, setHidden, setText } from "../dom.ts";
import { type Fact, factList } from "../facts.ts";
import { type Column, grid } from "../grid.ts";
import { moment, span } from "../instant.ts";
import { Poll } from "../poll.ts";

interface EventNews {
  id: number;
  atMs: number;
  kind: string;
  severity: string;
  message: string;
}

interface RunNews {
  id: number;
  startMs: number;
  lastMs: number;
  stopMs: number | null;
  clean: boolean;
  version: string;
  commit: string;
}

const diagnosisMs = 60_000;

export function machineView(context: Context): Part {
  const { live } = context;
  const host = panel("Host");
  const hostFacts = factList();
  host.body.append(hostFacts.root);
  const tune = panel("Tuning");
  const tuneFacts = factList();
  tune.body.append(tuneFacts.root);
  const findings = panel("Findings", "full");
  const aside = element("span", { class: "aside" }, "examining …");
  findings.head.append(aside);
  const findingGrid = grid<Finding>({ keyOf: keyOfFinding, columns: findingColumns });
  findings.body.append(findingGrid.root);
  const events = panel("Events");
  const noEvent = element("p", { class: "empty" }, notKnown);
  const eventGrid = grid<EventNews>({
    keyOf: ({ id }) => String(id),
    columns: [
      { title: "time", text: ({ atMs }) => moment(atMs, live.nowMs()) },
      { title: "kind", text: ({ kind }) => kind },
      { title: "what happened", wide: true, text: ({ message }) => message },
    ],
  });
  events.body.append(eventGrid.root, noEvent);
  const runs = panel("Runs");
  const runGrid = grid<RunNews>({
    keyOf: ({ id }) => String(id),
    columns: [
      { title: "started", text: ({ startMs }) => moment(startMs, live.nowMs()) },
      {
        title: "ran for",
        number: true,
        text: (run) => span((run.stopMs ?? run.lastMs) - run.startMs),
      },
      { title: "end", text: (run) => endOf(run, live.status?.startedMs) },
      { title: "version", wide: true, text: ({ version, commit }) => `${version} (${commit})` },
    ],
  });
  runs.body.append(runGrid.root);
  const parts = [host, tune, findings, runs, events];
  const root = element("div", { class: "view columns" }, ...parts.map((part) => part.root));
  let diagnosis: Diagnosis | undefined;

  const examine = new Poll<Diagnosis>({
    path: () => "/api/v1/diagnosis",
    everyMs: diagnosisMs,
    onData: (reply) => {
      diagnosis = reply;
      const own = reply.findings.filter(({ area }) => area !== "tune");
      findingGrid.update(own.filter(({ severity }) => severity !== "ok"));
      tuneFacts.update(tuneFactsOf(reply).map(withRemedy));
      const fine = own.filter(({ severity }) => severity === "ok").length;
      setText(
        aside,
        `${moment(reply.atMs, live.nowMs())} UTC · ${count(fine)} more are well, ${count(reply.notApplicable.length)} do not apply here`,
      );
      draw();
    },
    onTrouble: (words) => words !== "" && setText(aside, `not loaded: ${words}`),
  });
  const story = new Poll<Page<EventNews>>({
    path: () => "/api/v1/events?limit=50",
    everyMs: 10_000,
    onData: ({ items }) => {
      eventGrid.update(items);
      setText(noEvent, "Nothing happened.");
      setHidden(noEvent, items.length > 0);
      setHidden(eventGrid.root, items.length === 0);
    },
    onTrouble: () => {},
  });
  const past = new Poll<Page<RunNews>>({
    path: () => "/api/v1/runs?limit=20",
    everyMs: 10_000,
    onData: ({ items }) => runGrid.update(items),
    onTrouble: () => {},
  });
  const polls = [examine, story, past];

  function draw(): void {
    const { host: now } = live.status ?? {};
    const facts: Fact[] = [];
    if (now !== undefined) {
      facts.push(
        { name: "CPU", words: `${percent(now.cpuRatio)} busy, load ${now.loadOne.toFixed(2)}` },
        { name: "Memory", words: `${percent(now.memoryRatio)} of the host used` },
        {
          name: "Ours",
          words: `${byteCount(now.residentBytes)} of ${byteCount(now.memoryLimitBytes)}, ${now.memoryLocked ? "locked in RAM" : "not locked in RAM"}`,
        },
      );
    }
    const machine = diagnosis?.machine;
    if (machine !== undefined && machine !== null) {
      facts.push(
        { name: "Machine", words: machine.machine === "" ? "not told" : machine.machine },
        { name: "Processor", words: `${machine.cpu}, ${count(machine.cores)} cores` },
        { name: "System", words: `${machine.system}, kernel ${machine.kernel}` },
      );
      if (machine.temperatureC !== undefined) {
        facts.push({ name: "Hottest core", words: `${machine.temperatureC.toFixed(0)} °C` });
      }
      for (const { name, kind, sizeBytes, health } of machine.disks) {
        facts.push({ name: "Disk", words: `${name}: ${kind} ${byteCount(sizeBytes)}, ${health}` });
      }
    }
    hostFacts.update(facts);
  }

  return {
    root,
    update() {
      for (const poll of polls) poll.tick();
      draw();
    },
    arrive() {
      for (const poll of polls) poll.start();
    },
    leave() {
      for (const poll of polls) poll.stop();
    },
  };
}

function keyOfFinding({ id, subject }: Finding): string {
  return `${id}\n${subject}`;
}

const findingColumns: readonly Column<Finding>[] = [
  {
    title: "severity",
    make: () => {
      const mark = element("span", { class: "state" });
      return {
        nodes: [mark],
        update({ severity }) {
          setText(mark, severity);
          setAttribute(mark, "data-state", findingState(severity));
        },
      };
    },
  },
  {
    title: "finding",
    text: ({ title, subject }) => (subject === "" ? title : `${title} (${subject})`),
  },
  {
    title: "evidence, why it matters, remedy",
    wide: true,
    make: () => {
      const evidence = element("span");
      const why = element("span", { class: "dim" });
      const remedy = element("code", { class: "code" });
      return {
        nodes: [element("div", { class: "finding" }, evidence, why, remedy)],
        update(finding) {
          setText(evidence, finding.evidence);
          setText(why, finding.why);
          setText(remedy, finding.remedy);
          setHidden(remedy, finding.remedy === "");
        },
      };
    },
  },
];

function endOf({ startMs, stopMs, clean }: RunNews, currentMs: number | undefined): string {
  if (startMs === currentMs) return "runs now";
  if (stopMs === null) return "crashed or killed";
  return clean ? "stopped in order" : "not in order";
}
