/** The dashboard as it is served: made by the build, or on first use by a run from source. */
import { bundlePage, pagePolicy } from "./bundle.ts";

declare const BUILD_PAGE: string | undefined;

export interface Page {
  html: string;
  /** Content-Security-Policy. */
  policy: string;
}

let page: Promise<Page> | undefined;

export function loadPage(): Promise<Page> {
  page ??= build();
  return page;
}

async function build(): Promise<Page> {
  const html = typeof BUILD_PAGE === "string" ? BUILD_PAGE : await bundlePage();
  return { html, policy: pagePolicy(html) };
}
