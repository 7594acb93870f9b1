/** Alert rules of the operator's own that name nothing, or one thing twice: found before a start. */
import { EdgeError } from "../error.ts";
import { ConfigError, type Mistake } from "../config/mistake.ts";
import { type LoadedConfig, originOf } from "../config/load.ts";
import { feedCounts } from "../feed/count.ts";
import { AlertRules } from "../telemetry/alert-rule.ts";
import { alertRules } from "./ops-plan.ts";

/** Throws ConfigError with a line for each rule that the run would refuse. */
export function checkRules({ config, origins }: LoadedConfig): void {
  const own = config.alert.rule;
  const all = alertRules(config);
  const good = all.slice(0, all.length - own.length);
  const counts = feedCounts.map(({ name }) => name);
  const mistakes: Mistake[] = [];
  own.forEach((option, index) => {
    const rule = all[all.length - own.length + index]!;
    try {
      void new AlertRules([...good, rule], { channels: [], counts });
      good.push(rule);
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      const key = `alert.rule[${index}]`;
      const reason = error.message.replace(/^alert rule ".*?" /, "");
      const { where } = originOf(origins, key);
      mistakes.push({ key, value: option.name, where, reason, remedy: error.hint });
    }
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
