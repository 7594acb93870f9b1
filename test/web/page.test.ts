import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { bundlePage, pagePolicy } from "../../src/web/bundle.ts";

const html = await bundlePage();

function inside(tag: string): string {
  return new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`).exec(html)![1]!;
}

describe("the page", () => {
  test("isOneFile", () => {
    expect(inside("script").length).toBeGreaterThan(10_000);
    expect(inside("style")).toContain("--ground");
    expect(html).not.toMatch(/\/\*(?:script|style)\*\//);
    expect(html).not.toMatch(/<(?:link|img|script|iframe)[^>]+(?:src|href)="(?!data:)/);
    expect(inside("style")).not.toMatch(/url\(|@import/);
  });

  test("weighsLessThan150KBCompressed", () => {
    expect(Bun.gzipSync(html).length).toBeLessThan(150_000);
  });

  test("hasNoHandlerAndNoStyleInItsMarkup", () => {
    const markup = html.replace(inside("script"), "").replace(inside("style"), "");
    expect(markup).not.toMatch(/\son[a-z]+=/);
    expect(markup).not.toMatch(/\sstyle=/);
  });

  test("isAllowedByItsPolicy_andNothingElseIs", () => {
    const policy = pagePolicy(html);
    for (const tag of ["script", "style"]) {
      const hash = createHash("sha256").update(inside(tag)).digest("base64");
      expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  });

  test("theSameSourcesGiveTheSameBytes", async () => {
    expect(await bundlePage()).toBe(html);
  });
});
