/** The dashboard at /. */
import { pageResponse } from "../web/page.ts";
import type { App } from "./app.ts";

export function homeRoutes(app: App): void {
  app.get("/", (c) =>
    pageResponse(c.req.header("accept-encoding") ?? "", c.req.header("if-none-match") ?? ""),
  );
}
