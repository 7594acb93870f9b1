/** /openapi.json: the document, made from the routes themselves. */
import { generateSpecs } from "hono-openapi";
import type { App } from "./app.ts";

export type OpenApi = Awaited<ReturnType<typeof generateSpecs>>;

const description = `Read-only. Every error is application/problem+json (RFC 9457). Durations are ns, times epoch ms unless a name says otherwise. Where a token is configured it is sent as \`Authorization: Bearer TOKEN\`; /healthz, /, /docs and this document need none.`;

const tags = [
  { name: "now", description: "What happens at this moment." },
  { name: "history", description: "What is stored, over any range." },
  { name: "machine", description: "The machine underneath." },
  { name: "health", description: "For load balancers, service managers and Prometheus." },
];

/** `app` has all of its routes. */
export function openApiOf(app: App, version: string): Promise<OpenApi> {
  return generateSpecs(app, {
    documentation: {
      info: { title: "hftedge", version, description },
      tags,
      components: {
        securitySchemes: { token: { type: "http", scheme: "bearer" } },
      },
      security: [{}, { token: [] }],
    },
    excludeStaticFile: false,
    defaultValidationErrorResponse: false,
  });
}
