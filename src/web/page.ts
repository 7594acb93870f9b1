/** The dashboard as it is served: made by the build, or on first use by a run from source. */
import { createHash } from "node:crypto";
import { bundlePage, pagePolicy } from "./bundle.ts";

declare const BUILD_PAGE: PackedPage | undefined;

/** What the build makes, so that no first request waits for it; the forms are base64. */
export interface PackedPage {
  gzip: string;
  zstd: string;
  policy: string;
  etag: string;
}

export interface Page {
  html: Uint8Array<ArrayBuffer>;
  /** The same, compressed once rather than for each request. */
  gzip: Uint8Array<ArrayBuffer>;
  zstd: Uint8Array<ArrayBuffer>;
  /** Content-Security-Policy. */
  policy: string;
  etag: string;
}

let page: Promise<Page> | undefined;

export function loadPage(): Promise<Page> {
  page ??= load();
  return page;
}

async function load(): Promise<Page> {
  const packed = typeof BUILD_PAGE === "object" ? BUILD_PAGE : await packPage();
  const zstd = Uint8Array.fromBase64(packed.zstd);
  return {
    html: new Uint8Array(Bun.zstdDecompressSync(zstd)),
    gzip: Uint8Array.fromBase64(packed.gzip),
    zstd,
    policy: packed.policy,
    etag: packed.etag,
  };
}

/** The page, compressed as far as it goes: once, at build time. */
export async function packPage(): Promise<PackedPage> {
  const text = await bundlePage();
  const html = new TextEncoder().encode(text);
  const digest = createHash("sha256").update(html).digest("base64url");
  return {
    gzip: Bun.gzipSync(html, { level: 9 }).toBase64(),
    zstd: new Uint8Array(Bun.zstdCompressSync(html, { level: 19 })).toBase64(),
    policy: pagePolicy(text),
    etag: `"${digest.slice(0, 22)}"`,
  };
}

/** The page as a reply to a request that accepts these encodings and knows these versions of it. */
export async function pageResponse(acceptEncoding: string, ifNoneMatch: string): Promise<Response> {
  const { html, gzip, zstd, policy, etag } = await loadPage();
  const headers: Record<string, string> = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "cache-control": "no-cache",
    vary: "Accept-Encoding",
    etag,
  };
  const known = ifNoneMatch.split(",").map((part) => part.trim().replace(/^W\//, ""));
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  if (accepts(acceptEncoding, "zstd")) {
    return new Response(zstd, { headers: { ...headers, "content-encoding": "zstd" } });
  }
  if (accepts(acceptEncoding, "gzip")) {
    return new Response(gzip, { headers: { ...headers, "content-encoding": "gzip" } });
  }
  return new Response(html, { headers });
}

function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name, ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return name === encoding && !parameters.some((word) => /^q=0(?:\.0*)?$/.test(word));
  });
}
