import { describe, expect, test } from "bun:test";
import { makePlan, type PlanItem } from "../../src/tune/plan.ts";
import { renderPlan } from "../../src/tune/render.ts";
import { fakeServer, request, snapshot } from "./support/fake-server.ts";

function itemOf(items: readonly PlanItem[], id: string): PlanItem {
  const item = items.find((i) => i.id === id);
  if (item === undefined) throw new Error(`${id} is not planned`);
  return item;
}

describe("a plan", () => {
  test("writes nothing and runs nothing that could", () => {
    using server = fakeServer();
    const before = snapshot(server.root);
    const plan = makePlan(server.machine, request({ profile: "aggressive" }));
    renderPlan(plan);
    expect(snapshot(server.root)).toEqual(before);
    expect(server.machine.commands).toEqual([]);
  });

  test("needs no root", () => {
    using server = fakeServer();
    server.machine.fakeUid = 1000;
    const plan = makePlan(server.machine, request());
    expect(itemOf(plan.items, "memory.swappiness")).toMatchObject({
      state: "change",
      live: "60",
      desired: "1",
      boot: { value: "60", path: "/etc/sysctl.conf" },
    });
  });
});
