import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { bundlePage, pagePolicy } from "../../src/web/bundle.ts";

const html = await bundlePage();

function allInside(tag: string): string[] {
  const elements = html.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([\\s\\S]*?)</${tag}>`, "g"));
  return [...elements].map(([, text]) => text!);
}

/** Of the two scripts the one that makes the page. */
function inside(tag: string): string {
  return allInside(tag).at(-1)!;
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
    let markup = html;
    for (const text of [...allInside("script"), ...allInside("style")]) {
      markup = markup.replace(text, "");
    }
    expect(markup).not.toMatch(/\son[a-z]+=/);
    expect(markup).not.toMatch(/\sstyle=/);
  });

  test("isAllowedByItsPolicy_andNothingElseIs", () => {
    const policy = pagePolicy(html);
    for (const tag of ["script", "style"]) {
      const hashes = allInside(tag).map((text) => {
        return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
      });
      expect(policy).toContain(`${tag}-src ${hashes.join(" ")};`);
    }
    expect(allInside("script")).toHaveLength(2);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
  });

  test("theSameSourcesGiveTheSameBytes", async () => {
    expect(await bundlePage()).toBe(html);
  });
});
