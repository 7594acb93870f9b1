/** What the page takes a reply to be, beside what the API says that it is. */
import { expect, test } from "bun:test";
import type { AlertBody, SignalBody } from "../../src/http/schema.ts";
import { type Status as StatusBody, statusSchema } from "../../src/http/status-schema.ts";
import type { SymbolBody } from "../../src/http/symbol.ts";
import type { AlertNews, SignalNews, Status, SymbolNews } from "../../src/web/api.ts";
import { fixtureStatus } from "../support/dashboard-server.ts";

/** Compiles only while every reply has what the page reads of it. */
type Has<Page, Reply extends Page> = [Page, Reply];
export type Compared = [
  Has<Status, StatusBody>,
  Has<AlertNews, AlertBody>,
  Has<SignalNews, SignalBody>,
  Has<SymbolNews, SymbolBody>,
];

test("the made-up status of the tests has the shape of the real one", () => {
  const status = fixtureStatus(Date.now(), Date.now() - 60_000);
  const signals = {
    ...status.signals,
    newest: status.signals.newest.map((signal) => {
      return { ...signal, run: status.run, exchangeTime: "0", receiveTime: "0" };
    }),
  };
  const alerts = status.alerts.map((alert) => ({ ...alert, run: 1 }));
  expect(statusSchema.safeParse({ ...status, signals, alerts }).error?.issues ?? []).toEqual([]);
});
