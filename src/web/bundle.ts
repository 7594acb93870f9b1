/**
 * Makes the dashboard one file: scripts and style inside the HTML, the overview's structure too,
 * nothing fetched from anywhere but the API it is served by. Run by the build, and by a run from
 * source.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";

/** What the page is made of, for the notice of bundled packages. */
export const pageEntry = join(import.meta.dir, "main.ts");

/** The HTML, complete. */
export async function bundlePage(): Promise<string> {
  const [style, early, script, shell] = await Promise.all([
    bundled("style.css", "esm"),
    bundled("early.ts", "iife"),
    bundled("main.ts", "esm"),
    renderShell(),
  ]);
  const template = await Bun.file(join(import.meta.dir, "index.html")).text();
  // Functions as replacements: "$&" in a script must not be taken for a pattern.
  return template
    .replace(/>\s+</g, "><")
    .replace(/\s*\/\*style\*\/\s*/, () => style)
    .replace(/\s*\/\*early\*\/\s*/, () => inScript(early))
    .replace("<!--header-->", () => shell.header)
    .replace("<!--main-->", () => shell.main)
    .replace(/\s*\/\*script\*\/\s*/, () => inScript(script));
}

async function bundled(file: string, format: "esm" | "iife"): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, file)],
    target: "browser",
    format,
    minify: true,
    throw: false,
  });
  const text = await result.outputs[0]?.text();
  if (!result.success || text === undefined) {
    throw new AggregateError(result.logs, `cannot bundle the dashboard's ${file}`);
  }
  return text.trim();
}

function inScript(text: string): string {
  return text.replaceAll("</script", "<\\/script");
}

/** The page's own code over a document of its own, in a context that has nothing else. */
async function renderShell(): Promise<{ header: string; main: string }> {
  const sandbox: Record<string, unknown> = {
    localStorage: { getItem: () => null },
    matchMedia: () => ({ matches: false }),
    location: { search: "" },
    performance: { now: () => 0 },
    ResizeObserver: class {
      observe(): void {}
    },
    AbortController,
    URLSearchParams,
  };
  runInContext(await bundled("shell/render.ts", "iife"), createContext(sandbox));
  return sandbox["shell"] as { header: string; main: string };
}

/**
 * The content security policy that lets exactly the page's own scripts and style run.
 * https://www.w3.org/TR/CSP3/#match-element-to-source-list
 */
export function pagePolicy(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashesOf(html, "script")}`,
    `style-src ${hashesOf(html, "style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashesOf(html: string, tag: "script" | "style"): string {
  return [...html.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([\\s\\S]*?)</${tag}>`, "g"))]
    .map(([, text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`)
    .join(" ");
}
