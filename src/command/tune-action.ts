/** What the verbs of `hftedge tune` do. Exit codes: apply 0 or 1, status 0, 2 or 3, revert 0 or 1. */
import { basename, dirname } from "node:path";
import type { Host } from "../host/host.ts";
import { shellWord } from "../host/shell-word.ts";
import { apply, applyAtBoot } from "../tune/apply.ts";
import { type AwaitedRun, confirm, waitForConfirmation } from "../tune/confirm.ts";
import { proveClocks, renderProof } from "../tune/gpu-proof.ts";
import { readJournal } from "../tune/journal.ts";
import { compare, measure, type Measurement, renderComparison } from "../tune/measure.ts";
import { makePlan } from "../tune/plan.ts";
import { planJson, renderPlan } from "../tune/render.ts";
import {
  applyJson,
  renderApply,
  renderRevert,
  renderStatus,
  statusJson,
} from "../tune/render-report.ts";
import { revert, revertUnconfirmed } from "../tune/revert.ts";
import { statusCode, statusOf } from "../tune/status.ts";
import { print, printJson, say } from "./output.ts";
import { hostOf, ownProgram, requestOf, type TuneFlags } from "./tune-option.ts";

export function showPlan(flags: TuneFlags, host: Host = hostOf(flags)): void {
  const plan = makePlan(host, requestOf(flags, host));
  if (flags.json === true) printJson(planJson(plan));
  else print(renderPlan(plan));
}

/** The line that does the same as root: this very program with these very words. */
function sudoLine(): string {
  const [runtime = "hftedge", ...script] = ownProgram();
  const here = dirname(runtime) === process.cwd() && script.length === 0;
  const program = here ? [`./${basename(runtime)}`] : [runtime, ...script];
  return `sudo ${[...program, ...process.argv.slice(2)].map(shellWord).join(" ")}`;
}

/** True when the machine may be written; else says with which line it may, and fails. */
function mayWrite(host: Host): boolean {
  if (host.privileged) return true;
  say("hftedge: changing the machine needs root:");
  say(`  ${sudoLine()}`);
  process.exitCode = 1;
  return false;
}

/** The safe profile unless another is named: plans, shows and applies. */
export async function planAndApply(flags: TuneFlags): Promise<void> {
  const host = hostOf(flags);
  if (flags.json !== true || !host.privileged) showPlan(flags, host);
  if (mayWrite(host)) await applyAll(flags, host);
}

export async function applyOnly(flags: TuneFlags): Promise<void> {
  const host = hostOf(flags);
  if (!mayWrite(host)) return;
  if (flags.confirm === true) return await confirm(host);
  if (flags.boot === true) return await applyBoot(flags, host);
  await applyAll(flags, host);
}

async function applyBoot(flags: TuneFlags, host: Host): Promise<void> {
  if (readJournal(host)?.confirmByMs !== undefined && readJournal(host)?.confirmByMs !== null) {
    say("hftedge: the last run was never confirmed: it is taken back");
    print(renderRevert(await revertUnconfirmed(host)));
    return;
  }
  const report = await applyAtBoot(host, flags.interface ?? []);
  if (report === null) return say("hftedge: nothing is applied, so nothing is applied again");
  print(renderApply(report));
  if (report.failed) process.exitCode = 1;
}

/** Applies, and with --confirm-within waits: whatever happens, nothing stays that nobody confirmed. */
export async function applyAll(
  flags: TuneFlags,
  host: Host,
  line: () => Promise<boolean> = lineFromStdin,
): Promise<void> {
  const withinS = flags.confirmWithin;
  if (withinS === undefined) {
    return await applyAndShow(flags, host, await measureIfAsked(flags), null);
  }
  // A lost connection hangs up: that is the very case in which the settings must go back.
  process.on("SIGHUP", stay);
  try {
    const before = await measureIfAsked(flags);
    const confirmByMs = host.nowMs() + withinS * 1000;
    const confirmByNs = host.nowNs() + withinS * 1e9;
    try {
      await applyAndShow(flags, host, before, confirmByMs);
    } finally {
      // Also when it failed half-way, or its report found no terminal any more.
      const journal = readJournal(host);
      if (journal?.confirmByMs === confirmByMs) {
        await keepOrRevert(host, { run: journal.run, confirmByMs, confirmByNs }, withinS, line());
      }
    }
  } finally {
    process.off("SIGHUP", stay);
  }
}

async function measureIfAsked(flags: TuneFlags): Promise<Measurement | null> {
  return flags.measure === true ? await measure() : null;
}

async function applyAndShow(
  flags: TuneFlags,
  host: Host,
  before: Measurement | null,
  confirmByMs: number | null,
): Promise<void> {
  const request = requestOf(flags, host);
  const choice = { restart: flags.restart === true, confirmByMs };
  const report = await apply(host, request, choice);
  const comparison = before === null ? null : compare(before, await measure());
  if (flags.json === true) {
    printJson({ ...applyJson(report), ...(comparison === null ? {} : { comparison }) });
  } else {
    print(renderApply(report));
    if (comparison !== null) print(renderComparison(comparison));
  }
  if (report.failed) process.exitCode = 1;
}

/** A line on stdin; its end, as by a lost connection, is none. */
async function lineFromStdin(): Promise<boolean> {
  for await (const chunk of Bun.stdin.stream()) {
    if (new TextDecoder().decode(chunk).includes("\n")) return true;
  }
  return false;
}

function stay(): void {}

async function keepOrRevert(
  host: Host,
  run: AwaitedRun,
  withinS: number,
  line: Promise<boolean>,
): Promise<void> {
  say(`hftedge: press Enter within ${withinS} s to keep these settings, or they are taken back;`);
  say("  from another shell: hftedge tune apply --confirm");
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  try {
    const end = await waitForConfirmation(host, run, line, stop.signal);
    if (end === "confirmed") return say("hftedge: kept");
    process.exitCode = 1;
    if (end === "taken back") return say("hftedge: taken back meanwhile by another hftedge tune");
    say("hftedge: not confirmed: the run is taken back");
    const report = await revertUnconfirmed(host);
    say(renderRevert(report).trimEnd());
    if (!report.applied) say("hftedge: somebody settled it meanwhile; see hftedge tune status");
  } finally {
    process.off("SIGINT", abort);
    process.off("SIGTERM", abort);
  }
}

/** How long the clocks are watched for --verify. */
const proofMs = 3000;

export async function showStatus(flags: TuneFlags): Promise<void> {
  const host = hostOf(flags);
  const asked = requestOf(flags, host);
  const status = statusOf(host, flags.profile === undefined ? null : asked, asked);
  const wanted = new Map(
    status.plan.items
      .filter(({ setting }) => setting.id === "gpu.graphics-clock")
      .map((item) => [item.instance, Number(item.desired)] as const),
  );
  const proofs = flags.verify === true ? await proveClocks(host, wanted, proofMs) : [];
  if (flags.json === true) {
    printJson({ ...statusJson(status), ...(flags.verify === true ? { clocks: proofs } : {}) });
  } else {
    print(renderStatus(status));
    for (const proof of proofs) print(`${renderProof(proof)}\n`);
    if (flags.verify === true && proofs.length === 0) print("clocks: not applicable: no GPU\n");
  }
  process.exitCode = statusCode(status);
}

export async function takeBack(flags: TuneFlags): Promise<void> {
  const host = hostOf(flags);
  if (!mayWrite(host)) return;
  const choice = { restart: flags.restart === true, force: flags.force === true };
  const report = await revert(host, choice);
  if (flags.json === true) printJson(report);
  else print(renderRevert(report));
  if (report.failed) process.exitCode = 1;
}
