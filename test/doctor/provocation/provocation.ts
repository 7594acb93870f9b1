import type { FindingId } from "../../../src/doctor/advice.ts";
import type { Severity } from "../../../src/doctor/finding.ts";
import type { Situation } from "../../support/fake-box.ts";

/** One thing that is wrong, and what the doctor must say about it. */
export interface Provocation extends Situation {
  name: string;
  id: FindingId;
  severity: Severity;
  /** Part of the evidence, with its numbers. */
  evidence: string;
  /** Part of the remedy, with its values filled in. */
  remedy: string;
  /** What the remedy must not say here. */
  remedyWithout?: string;
}
