/** The dashboard as it is served: made by the build, or on first use by a run from source. */
import { createHash } from "node:crypto";
import { bundlePage, pagePolicy } from "./bundle.ts";

declare const BUILD_PAGE: string | undefined;

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
  page ??= build();
  return page;
}

async function build(): Promise<Page> {
  const text = typeof BUILD_PAGE === "string" ? BUILD_PAGE : await bundlePage();
  const html = new TextEncoder().encode(text);
  const digest = createHash("sha256").update(html).digest("base64url");
  return {
    html,
    gzip: Bun.gzipSync(html, { level: 9 }),
    zstd: new Uint8Array(Bun.zstdCompressSync(html, { level: 19 })),
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
