import { describe, expect, test } from "bun:test";
import { renderDiagnosis, wrap } from "../../src/doctor/render.ts";
import { examineBox, healthyInventory } from "../support/fake-box.ts";

const situation = {
  files: { "proc/sys/net/ipv4/tcp_sack": "0\n", "proc/loadavg": "9.00 1.00 1.00 1/2 3\n" },
  during: {
    "proc/net/softnet_stat":
      "00001000 00000009 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n",
  },
};

describe("a table for people", () => {
  test("areas stand in the order of their worst finding, and so do findings", async () => {
    const text = renderDiagnosis(await examineBox(situation), { columns: 100, colour: false });
    const lines = text.split("\n");
    const heads = lines.filter((line) => /^[a-z]+ {2}\(/.test(line));
    expect(heads[0]).toStartWith("network  (1 critical, 1 warning, ");
    expect(heads[1]).toStartWith("system  (1 note, ");
    const network = lines.slice(lines.indexOf(heads[0]!) + 1);
    expect(network[0]).toMatch(/^ {2}CRITICAL {2}Backlog of the receive path/);
    const good = lines.filter((line) => line.startsWith("  ok ")).length;
    expect(lines.at(-1)).toBe(`1 critical, 1 warning, 1 note, ${good} ok; rates over 500 ms`);
  });

  test("begins with the machine's names", async () => {
    const text = renderDiagnosis(await examineBox(), { columns: 100, colour: false });
    expect(text.split("\n")[0]).toBe(
      `Dell Inc. PowerEdge R650; ${healthyInventory.cpu}, 8 cores; Debian GNU/Linux 13; Linux 6.12.48`,
    );
  });

  test("a bad finding says why and what to do, a good one does not", async () => {
    const text = renderDiagnosis(await examineBox(situation), { columns: 100, colour: false });
    expect(text).toContain("why  Off, these cap TCP at small windows");
    expect(text).toContain("do   sudo sysctl -w net.ipv4.tcp_timestamps=1");
    expect(text.match(/ why {2}/g)).toHaveLength(3);
  });

  test.each([64, 80, 100, 200])(
    "fits into %d columns, but for remedies, which stay whole",
    async (columns) => {
      const text = renderDiagnosis(await examineBox(situation), { columns, colour: false });
      const long = text
        .split("\n")
        .filter(
          (line) => line.length > columns && !line.includes("do   ") && !line.includes(" cores; "),
        );
      expect(long).toEqual([]);
      expect(text).toContain(
        "do   sudo sysctl -w net.core.netdev_max_backlog=10000 net.core.netdev_budget_usecs=8000",
      );
    },
  );

  test("colours add nothing but colour", async () => {
    const diagnosis = await examineBox(situation);
    const plain = renderDiagnosis(diagnosis, { columns: 100, colour: false });
    const coloured = renderDiagnosis(diagnosis, { columns: 100, colour: true });
    expect(plain).not.toContain("\x1b");
    expect(coloured).toContain("\x1b[1;31m");
    expect(Bun.stripANSI(coloured)).toBe(plain);
  });

  test("a probe that failed is named with its reason", async () => {
    const diagnosis = await examineBox();
    diagnosis.incomplete.push({ area: "gpu", reason: "no answer within 10 ms" });
    expect(renderDiagnosis(diagnosis, { columns: 100, colour: false })).toContain(
      "FAILED    This examination did not finish: no answer within 10 ms.",
    );
  });
});

describe("wrapping", () => {
  test("breaks between words and never within one", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("a-very-long-word x", 4)).toEqual(["a-very-long-word", "x"]);
    expect(wrap("", 10)).toEqual([""]);
    expect(wrap("over 10.5 % of 3.2 GiB in 5 ms.", 9)).toEqual([
      "over",
      "10.5 % of",
      "3.2 GiB",
      "in 5 ms.",
    ]);
  });
});
