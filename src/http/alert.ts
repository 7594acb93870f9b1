/** /api/v1/alerts: what was out of its limits, open and past. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { AlertRow } from "../store/schema.ts";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, formatOf, formatParameter } from "./format.ts";
import { historyOf } from "./history.ts";
import { pageOf, pageParameters, pageSchema, sendPage } from "./page.ts";
import { query } from "./parameter.ts";
import { type AlertBody, alertSchema } from "./schema.ts";
import type { HistorySource } from "./source.ts";

const formats = ["json", "csv", "ndjson"] as const;

const querySchema = z.strictObject({
  ...pageParameters,
  open: z.enum(["true", "false"]).optional().describe("true: only those that are open now."),
  rule: z.string().max(64).optional(),
  severity: z.enum(["info", "warning", "critical"]).optional(),
  format: formatParameter(formats).optional(),
});

/** In the order of their columns. */
export const alertFields: readonly string[] = Object.keys(alertSchema.shape);

export function alertBody(row: AlertRow): AlertBody {
  const { id: _row, number: id, threshold: limit, ...fields } = row;
  return { ...fields, id, limit };
}

export function alertRoutes(app: App, source: HistorySource): void {
  app.get(
    "/api/v1/alerts",
    describe({
      summary: "Alerts, newest first",
      description:
        "One for each time that a rule was broken: opened, counted exactly, with its worst value, resolved after quiet. from and to select by the time of opening.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A page.",
          content: contentOf(formats, resolver(pageSchema(alertSchema))),
        },
      },
    }),
    query(querySchema),
    (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const { rule, severity } = asked;
      const open = asked.open === undefined ? undefined : asked.open === "true";
      const page = historyOf(source).record.alerts(pageOf(asked, source.nowMs()), {
        open,
        rule,
        severity,
      });
      const rows = page.rows.map(alertBody);
      return sendPage(c, format, { rows, next: page.next }, alertFields, "alerts");
    },
  );
}
