import { Command } from "commander";
import { printJson } from "./output.ts";

export function grafanaCommand(): Command {
  return new Command("grafana")
    .description("Prints a dashboard for Grafana over a Prometheus that scrapes /metrics.")
    .addHelpText("after", "\nExample:\n  hftedge grafana > hftedge.json     import it in Grafana")
    .action(async () => {
      const { grafanaDashboard } = await import("../web/grafana.ts");
      printJson(grafanaDashboard());
    });
}
