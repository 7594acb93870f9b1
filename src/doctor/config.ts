/** The configuration, as the loader judged it; an invalid one stops a run before anything else. */
import type { Probe } from "./context.ts";
import { finding, notApplicable } from "./finding.ts";
import { plural } from "./text.ts";

export const configProbe: Probe = {
  area: "config",
  run: ({ needs }) => {
    if (needs.config === undefined) return [notApplicable("config.file", "none was read")];
    const { file, problems } = needs.config;
    if (problems.length === 0) {
      return [finding("config.file", "ok", `Valid: ${file}.`, { file, problems: 0 })];
    }
    return [
      finding(
        "config.file",
        "critical",
        `${plural(problems.length, "mistake")} in ${file}: ${problems.join("; ")}.`,
        { file, problems: problems.length },
      ),
    ];
  },
};
