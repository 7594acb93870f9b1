import { describe, expect, test } from "bun:test";
import { loadPage, pageResponse } from "../../src/web/page.ts";

const { html, etag, policy } = await loadPage();

describe("the page as a reply", () => {
  test("isCompressedAsTheBrowserLikes", async () => {
    const plain = await pageResponse("", "");
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.bytes()).toEqual(html);
    const gzip = await pageResponse("gzip, deflate;q=0.5", "");
    expect(gzip.headers.get("content-encoding")).toBe("gzip");
    expect(Bun.gunzipSync(await gzip.bytes())).toEqual(html);
    const zstd = await pageResponse("gzip, deflate, br, zstd", "");
    expect(zstd.headers.get("content-encoding")).toBe("zstd");
    expect(new Uint8Array(Bun.zstdDecompressSync(await zstd.bytes()))).toEqual(html);
    const refused = await pageResponse("zstd;q=0, gzip;q=0.0", "");
    expect(refused.headers.get("content-encoding")).toBeNull();
  });

  test("isSentOnce", async () => {
    const again = await pageResponse("gzip", `"other", W/${etag}`);
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect((await pageResponse("gzip", '"other"')).status).toBe(200);
  });

  test("carriesItsPolicy", async () => {
    const { headers } = await pageResponse("", "");
    expect(headers.get("content-security-policy")).toBe(policy);
    expect(headers.get("cache-control")).toBe("no-cache");
  });
});
