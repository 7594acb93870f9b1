/** What the runtime brings into the binary besides our code and its packages. */

export interface RuntimeLibrary {
  name: string;
  version: string;
  /** SPDX expression, or null where the library has several that no expression sums up. */
  license: string | null;
}

/** Libraries that the runtime links statically, with the licences that its own notice names. */
const licenses: Record<string, string | null> = {
  webkit: "LGPL-2.0-or-later",
  boringssl: null,
  libarchive: null,
  lolhtml: "BSD-3-Clause",
  lshpack: "MIT",
  mimalloc: "MIT",
  picohttpparser: "MIT",
  zstd: "BSD-3-Clause",
  tinycc: "LGPL-2.1-or-later",
  usockets: "Apache-2.0",
  uwebsockets: "Apache-2.0",
  zlib: "Zlib",
  ares: "MIT",
  icu: "Unicode-3.0",
  libdeflate: "MIT",
  sqlite: "blessing",
};

export function runtimeLibraries(): RuntimeLibrary[] {
  return Object.entries(licenses).flatMap(([name, license]) => {
    const version = process.versions[name];
    return version === undefined ? [] : [{ name, version, license }];
  });
}

/** Words for `hftedge licenses`: the terms of the libraries are in the runtime's own notice. */
export function runtimeNotice(): string {
  const list = runtimeLibraries()
    .map(({ name, version, license }) => `  ${name} ${version}: ${license ?? "several licences"}`)
    .join("\n");
  return `This program contains the Bun runtime, which is under the MIT licence and statically links
JavaScriptCore of WebKit and TinyCC, which are under the LGPL, and these libraries:

${list}

The full notice of the runtime, with the way to link it anew to changed libraries:
https://github.com/oven-sh/bun/blob/bun-v${Bun.version}/LICENSE.md`;
}
