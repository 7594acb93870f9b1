/** From the configuration to what inference is made with: plain values, its own names. */
import type { Config } from "../config/schema.ts";
import type { CandidatePlan } from "../inference/candidate.ts";
import type { InferenceLimits } from "../inference/port.ts";
import type { OptionValue } from "../inference/request.ts";
import { uncalibrated, type Calibration } from "../inference/verdict.ts";
import type { StateSpace } from "../market/state.ts";

type InferenceConfig = Config["inference"];

export function limitsFrom(config: InferenceConfig): InferenceLimits {
  const { queueMax, deadlineMs, maxAgeS, maxStaleS, hedge, outboxMax, warm, shadow } = config;
  const takeOverAgreement = shadow.takeOver === "agreement" ? shadow.agreementMin : null;
  return { queueMax, deadlineMs, maxAgeS, maxStaleS, hedge, outboxMax, warm, takeOverAgreement };
}

export function candidateFrom(
  config: InferenceConfig,
  space: StateSpace,
  symbolOf: (instrument: number) => string | null,
): CandidatePlan {
  const { model, raw, keepAliveS, template, context, symbols } = config;
  return {
    hosts: config.hosts,
    mode: config.mode,
    request: { model, raw, keepAliveS, options: optionsFrom(config.options) },
    prompt: { space, template, context, symbolOf, allowedSymbols: symbols },
    calibration: calibrationFrom(config, model),
    marginMin: config.marginMin,
    labelMassMin: config.labelMassMin,
    spaceFingerprint: space.fingerprint,
    keyWords: space.keyWords,
    warmUps: config.warmUps,
    limits: {
      parallel: config.parallel,
      checkMs: config.checkMs,
      checkTimeoutMs: config.checkTimeoutMs,
      hungMs: config.hungMs,
      bodyBytesMax: config.answerBytesMax,
      breaker: {
        failuresMax: config.breakerFailures,
        openMs: config.breakerOpenMs,
        openMsMax: config.breakerOpenMaxMs,
      },
    },
  };
}

/** The shadow differs in what it names; null where there is none. */
export function shadowFrom(config: InferenceConfig, active: CandidatePlan): CandidatePlan | null {
  const { enabled, model, template, context } = config.shadow;
  if (!enabled) return null;
  const shadowModel = model === "" ? config.model : model;
  return {
    ...active,
    request: { ...active.request, model: shadowModel },
    prompt: {
      ...active.prompt,
      template: template === "" ? active.prompt.template : template,
      context: context === "" ? active.prompt.context : context,
    },
    calibration: calibrationFrom(config, shadowModel),
  };
}

/** What is left to the server is not sent at all. */
function optionsFrom(options: InferenceConfig["options"]): Record<string, OptionValue> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== "server"));
}

function calibrationFrom({ calibration }: InferenceConfig, model: string): Calibration {
  const own = calibration[model];
  if (own === undefined) return uncalibrated;
  const { temperature, buy, sell, hold } = own;
  return { temperature, bias: { BUY: buy, SELL: sell, HOLD: hold } };
}
