/**
 * The dashboard's script. The document that carries it has a static shell of the overview; nothing
 * is made before that was painted.
 */
import { startDashboard } from "./dashboard.ts";
import { painted } from "./paint.ts";

await painted();
performance.mark("dashboard");
startDashboard();
