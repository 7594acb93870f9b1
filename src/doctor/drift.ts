/**
 * What is no longer as tuned, from `hftedge tune status --json` in a process of its own: it asks
 * devices that may take seconds to answer, and nothing here may stand still for that long.
 */
import type { RunTool } from "../host/tool.ts";
import type { DriftItem, DriftReport } from "./context.ts";

const timeoutMs = 8000;

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function items(value: unknown): DriftItem[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null)
    .map((item) => {
      return {
        id: text(item["id"]) ?? "",
        live: text(item["live"]),
        desired: text(item["desired"]),
        reason: text(item["reason"]),
      };
    });
}

/** The words of `{"error":{"message":…}}`, e.g. that only root may read what was written down. */
function failureOf(answer: unknown): string | null {
  const { error } = (answer ?? {}) as { error?: { message?: unknown } };
  return text(error?.message);
}

/** @throws Error in words when the text is no status. */
export function parseTuneStatus(json: string): DriftReport {
  let status: unknown;
  try {
    status = JSON.parse(json);
  } catch {
    status = null;
  }
  if (typeof status !== "object" || status === null || !("applied" in status)) {
    throw new Error(`hftedge tune status: ${failureOf(status) ?? "no answer"}`);
  }
  const { applied, drift, pending } = status as Record<string, unknown>;
  return { applied: applied === true, drift: items(drift), pending: items(pending) };
}

/** `program` is how hftedge is started, e.g. its own path; `more` are further arguments. */
export async function readDrift(
  runTool: RunTool,
  program: readonly string[],
  more: readonly string[] = [],
): Promise<DriftReport> {
  const output = await runTool([...program, "tune", "status", "--json", ...more], timeoutMs);
  if (output === undefined) throw new Error(`hftedge tune status did not end in ${timeoutMs} ms`);
  return parseTuneStatus(output.stdout);
}
