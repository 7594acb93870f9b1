/** The page at /. */
import type { App } from "./app.ts";
import { contentSecurityPolicy } from "./header.ts";

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hftedge</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>hftedge</h1>
<p>The service runs. <a href="/docs">How to ask it</a> ·
<a href="/api/v1/status">status</a> · <a href="/readyz">readiness</a> · <a href="/metrics">metrics</a></p>
</body></html>
`;

export function homeRoutes(app: App): void {
  app.get("/", (c) => {
    c.header("content-security-policy", contentSecurityPolicy);
    c.header("cache-control", "no-cache");
    return c.html(page);
  });
}
