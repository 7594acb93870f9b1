/**
 * The only script that runs before the first paint, so it does little: which theme and which view the
 * static shell is painted in. Once that was painted it opens the stream, whose answer arrives while
 * the program is read, and starts the program, which the document carries as plain text until then.
 */
import { parsePlace } from "./address.ts";
import { openEarly } from "./early-stream.ts";
import { presented } from "./paint.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
document.documentElement.dataset["view"] = parsePlace(location.search).view;
document.addEventListener("DOMContentLoaded", () => void start(), { once: true });

async function start(): Promise<void> {
  await presented();
  openEarly();
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = document.getElementById("program")!.textContent;
  document.body.append(script);
}
