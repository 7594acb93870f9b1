/** Which stages a question is about. */
import { z } from "zod";
import { components, stageNames } from "../telemetry/stage.ts";
import { ParameterError } from "./parameter.ts";

const names = stageNames.join(", ");
const stagesMax = 32;

export const stageListParameter = z
  .string()
  .max(1000)
  .describe(`Comma-separated; default: the five components; all for every one. Known: ${names}.`);

export const stageParameter = z.string().max(64).describe(`One of ${names}.`);

/** Throws ParameterError. */
export function parseStages({
  stage,
  component,
}: {
  stage?: string | undefined;
  component?: string | undefined;
}): string[] {
  const text = stage ?? component;
  if (stage !== undefined && component !== undefined) {
    throw new ParameterError("component", "is given beside stage, which means the same");
  }
  if (text === undefined) return [...components];
  if (text === "all") return [...stageNames];
  const parameter = stage === undefined ? "component" : "stage";
  const list = [...new Set(text.split(",").map((part) => part.trim()))];
  if (list.length > stagesMax) throw new ParameterError(parameter, `names more than ${stagesMax}`);
  for (const name of list) {
    if (!stageNames.includes(name)) {
      const hint = `The stages are: ${names}.`;
      throw new ParameterError(
        parameter,
        `names ${JSON.stringify(name)}, which there is not`,
        hint,
      );
    }
  }
  return list;
}

/** The one that is named, else `other`. Throws ParameterError. */
export function parseStage(stage: string | undefined, other: string): string {
  const [first = other, ...more] = parseStages({ stage: stage ?? other });
  if (more.length > 0) throw new ParameterError("stage", "names more than one");
  return first;
}
