/**
 * Runs before the first paint, so it is all that does: which theme and which view the static shell
 * is painted in, and the first request, whose answer arrives while the shell is painted.
 */
import { parsePlace } from "./address.ts";
import { openEarly } from "./early-stream.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
document.documentElement.dataset["view"] = parsePlace(location.search).view;
openEarly();
