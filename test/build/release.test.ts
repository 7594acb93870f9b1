/** What a release is made of, without building both platforms. */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { bundledPackages } from "../../src/build/bundle.ts";
import { entryPoints, root } from "../../src/build/compile.ts";
import { runtimeLibraries } from "../../src/build/runtime.ts";
import { bomOf } from "../../src/build/sbom.ts";
import { run } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";

type Packages = Awaited<ReturnType<typeof bundledPackages>>;
let packages: Packages;
beforeAll(async () => {
  packages = await bundledPackages(root, entryPoints());
});

describe("licences", () => {
  test("everyPackageInsideHasATextToPassOn", () => {
    expect(packages.map(({ name }) => name)).toContain("commander");
    for (const { name, license, text } of packages) {
      expect(license, name).toMatch(/^[\w.+() -]+$/);
      expect(text.length, name).toBeGreaterThan(200);
    }
  });

  test("binaryPrintsThem", async () => {
    const { code, stdout } = await run(["licenses"]);
    expect(code).toBe(0);
    for (const { name, version, text } of packages) {
      expect(stdout).toContain(`${name} ${version} (`);
      expect(stdout).toContain(text);
    }
    const list = JSON.parse((await run(["licenses", "--list", "--json"])).stdout);
    expect(list).toEqual(
      packages.map(({ name, version, license }) => ({ name, version, license })),
    );
  });
});

describe("bill of materials", () => {
  const fact = { version: "1.2.3", commit: "0123456789ab", committed: "2026-01-30T10:00:00Z" };

  function bom() {
    const sha256 = "ab".repeat(32);
    const libraries = runtimeLibraries();
    return bomOf({ fact, target: "bun-linux-x64", sha256, packages, libraries }) as {
      serialNumber: string;
      components: { name: string; "bom-ref": string }[];
      dependencies: { ref: string; dependsOn: string[] }[];
      metadata: { component: { "bom-ref": string } };
    };
  }

  test("namesEveryPackageAndLibraryOnce", () => {
    const { components } = bom();
    const names = components.map(({ name }) => name);
    for (const { name } of packages.slice(1)) expect(names).toContain(name);
    expect(names).toContain("webkit");
    const refs = components.map((component) => component["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
  });

  test("everyDependencyIsAComponent", () => {
    const { components, dependencies, metadata } = bom();
    const refs = [...components, metadata.component].map((component) => component["bom-ref"]);
    for (const { ref, dependsOn } of dependencies) {
      for (const name of [ref, ...dependsOn]) expect(refs).toContain(name);
    }
  });

  test("sameBinaryHasTheSameDocument", () => {
    expect(bom()).toEqual(bom());
    expect(bom().serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

test("sameSourcesInAnotherFolderGiveTheSameBytes", async () => {
  const digests: string[] = [];
  for (const name of ["one", "another-folder"]) {
    using folder = emptyDirectory();
    const copy = join(folder.path, name);
    cpSync(join(root, "src"), join(copy, "src"), { recursive: true });
    for (const file of ["package.json", "tsconfig.json", "LICENSE", "bun.lock"]) {
      copyFileSync(join(root, file), join(copy, file));
    }
    if (existsSync(join(root, "sql"))) {
      cpSync(join(root, "sql"), join(copy, "sql"), { recursive: true });
    }
    // A link would be followed, and its target's path is not the copy's.
    for (const { name: bundled } of packages.slice(1, -1)) {
      const path = join("node_modules", bundled);
      cpSync(join(root, path), join(copy, path), { recursive: true });
    }
    const build = Bun.spawnSync([process.execPath, "src/build/build.ts"], {
      cwd: copy,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: folder.path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(build.stderr.toString()).toBe("");
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const chunk of Bun.file(join(copy, "hftedge")).stream()) hasher.update(chunk);
    digests.push(hasher.digest("hex"));
  }
  expect(digests[0]).toBe(digests[1]!);
});
