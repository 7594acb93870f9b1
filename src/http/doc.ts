/** /openapi.json and /docs: the description of the API, for machines and for people. */
import { createHash } from "node:crypto";
import type { App } from "./app.ts";
import { docPage, docStyle } from "./doc-page.ts";
import { contentSecurityPolicy } from "./header.ts";
import { type OpenApi, openApiOf } from "./openapi.ts";

export function docRoutes(app: App, version: string): void {
  let document: Promise<OpenApi> | undefined;
  let page: string | undefined;
  const spec = (): Promise<OpenApi> => (document ??= openApiOf(app, version));
  const styleHash = createHash("sha256").update(docStyle).digest("base64");
  app.get("/openapi.json", async (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json((await spec()) as object);
  });
  app.get("/docs", async (c) => {
    page ??= docPage(await spec());
    c.header("cache-control", "public, max-age=300");
    c.header(
      "content-security-policy",
      `${contentSecurityPolicy}; style-src 'sha256-${styleHash}'`,
    );
    return c.html(page);
  });
}
