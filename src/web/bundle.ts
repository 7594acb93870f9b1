/**
 * Makes the dashboard one file: script and style inside the HTML, nothing fetched from anywhere but
 * the API it is served by. Run by the build, and by a run from source.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

/** What the page is made of, for the notice of bundled packages. */
export const pageEntry = join(import.meta.dir, "main.ts");

/** The HTML, complete. */
export async function bundlePage(): Promise<string> {
  const result = await Bun.build({
    entrypoints: [pageEntry, join(import.meta.dir, "style.css")],
    target: "browser",
    minify: true,
    throw: false,
  });
  if (!result.success) throw new AggregateError(result.logs, "cannot bundle the dashboard");
  const texts = await Promise.all(
    [".js", ".css"].map(async (end) => {
      const file = result.outputs.find(({ path }) => path.endsWith(end));
      return ((await file?.text()) ?? "").trim();
    }),
  );
  const [script = "", style = ""] = texts;
  const template = await Bun.file(join(import.meta.dir, "index.html")).text();
  // Functions as replacements: "$&" in a script must not be taken for a pattern.
  return template
    .replace(/>\s+</g, "><")
    .replace(/\s*\/\*style\*\/\s*/, () => style)
    .replace(/\s*\/\*script\*\/\s*/, () => script.replaceAll("</script", "<\\/script"));
}

/**
 * The content security policy that lets exactly the page's own script and style run.
 * https://www.w3.org/TR/CSP3/#match-element-to-source-list
 */
export function pagePolicy(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(html, "script")}`,
    `style-src ${hashOf(html, "style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashOf(html: string, tag: "script" | "style"): string {
  const start = html.indexOf(">", html.indexOf(`<${tag}`)) + 1;
  const text = html.slice(start, html.indexOf(`</${tag}>`, start));
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
