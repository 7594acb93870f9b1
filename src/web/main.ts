/** The dashboard's script, started once the static shell of the overview was painted. */
import { startDashboard } from "./dashboard.ts";

performance.mark("dashboard");
startDashboard();
