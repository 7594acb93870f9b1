/** The documentation page: plain HTML made from the OpenAPI document, with nothing from outside. */
import type { OpenApi } from "./openapi.ts";
import { problemCodes } from "./problem-code.ts";

export const docStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, pre { font: 0.9em ui-monospace, monospace; }
pre { overflow: auto; padding: 0.5rem; border: 1px solid #8886; border-radius: 4px; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
h3 { margin-bottom: 0.2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0; }
tr + tr td { border-top: 1px solid #8884; }
`;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: { type?: string; enum?: unknown[]; description?: string };
  description?: string;
}

interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  responses?: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

export function docPage(document: OpenApi): string {
  const {
    info,
    tags = [],
    paths,
  } = document as unknown as {
    info: { version: string; description: string };
    tags?: { name: string; description?: string }[];
    paths: Record<string, { get?: Operation }>;
  };
  const operations = Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined ? [] : [{ path, get }],
  );
  const sections = tags.map(({ name, description = "" }) => {
    const own = operations.filter(({ get }) => get.tags?.includes(name) === true);
    const parts = own.map(({ path, get }) => operationHtml(path, get));
    return `<h2 id="${escape(name)}">${escape(description)}</h2>\n${parts.join("\n")}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hftedge HTTP API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${docStyle}</style></head><body>
<h1>hftedge ${escape(info.version)}: HTTP API</h1>
<p>${escape(info.description).replaceAll(/`([^`]+)`/g, "<code>$1</code>")}</p>
<p>The same for machines: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).
The dashboard: <a href="/">/</a>.</p>
<pre>${escape(examples)}</pre>
${sections.join("\n")}
<h2 id="errors">Errors</h2>
<table>${Object.entries(problemCodes).map(codeHtml).join("\n")}</table>
</body></html>
`;
}

const examples = `curl 'http://127.0.0.1:8080/api/v1/latency/summary?from=-15m'
curl 'http://127.0.0.1:8080/api/v1/latency?stage=total_pipeline&from=-1h&step=10s&percentiles=50,99,99.9&format=csv'
curl -N 'http://127.0.0.1:8080/api/v1/signals/stream?symbol=AAPL'`;

function operationHtml(path: string, operation: Operation): string {
  const { summary = "", description = "", parameters = [], responses = {} } = operation;
  const rows = parameters.map(parameterHtml).join("\n");
  const types = Object.keys(responses["200"]?.content ?? {});
  return `<h3><code>GET ${escape(path)}</code></h3>
<p>${escape(summary)}. ${escape(description)}</p>
<p>Answers ${types.map((type) => `<code>${escape(type)}</code>`).join(", ")}; errors: ${Object.keys(
    responses,
  )
    .filter((status) => status >= "400")
    .join(", ")}.</p>
${rows === "" ? "" : `<table>${rows}</table>`}`;
}

function parameterHtml(parameter: Parameter): string {
  const { name, schema = {}, required } = parameter;
  const choices = schema.enum === undefined ? "" : ` One of ${schema.enum.join(", ")}.`;
  const words = parameter.description ?? schema.description ?? "";
  return `<tr><td><code>${escape(name)}</code>${required === true ? " (required)" : ""}</td><td>${escape(words + choices)}</td></tr>`;
}

function codeHtml([code, words]: [string, string]): string {
  const id = code.toLowerCase().replaceAll("_", "-");
  return `<tr id="${id}"><td><code>${code}</code></td><td>${escape(words)}</td></tr>`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
