/** The bill of materials of a binary, as CycloneDX 1.6 JSON. */
import type { BundledPackage } from "./bundle.ts";
import type { BuildFact } from "./compile.ts";
import type { RuntimeLibrary } from "./runtime.ts";

export interface BomInput {
  fact: BuildFact;
  target: string;
  /** SHA-256 of the binary, in hex. */
  sha256: string;
  packages: readonly BundledPackage[];
  libraries: readonly RuntimeLibrary[];
}

export function bomOf({ fact, target, sha256, packages, libraries }: BomInput): object {
  const own = packages[0];
  if (own === undefined) throw new Error("a binary contains at least the program itself");
  const ownRef = `pkg:generic/${own.name}@${own.version}?target=${target}`;
  const inside = packages.slice(1).map(packageComponent);
  const linked = libraries.map(libraryComponent);
  const bunRef = inside.find(({ name }) => name === "bun")?.["bom-ref"] ?? ownRef;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(sha256)}`,
    version: 1,
    metadata: {
      ...(Number.isNaN(Date.parse(fact.committed)) ? {} : { timestamp: fact.committed }),
      component: {
        type: "application",
        "bom-ref": ownRef,
        name: own.name,
        version: own.version,
        hashes: [{ alg: "SHA-256", content: sha256 }],
        licenses: [{ license: { id: own.license } }],
        properties: [
          { name: "hftedge:target", value: target },
          { name: "hftedge:commit", value: fact.commit },
        ],
      },
    },
    components: [...inside, ...linked],
    dependencies: [
      { ref: ownRef, dependsOn: inside.map((component) => component["bom-ref"]) },
      { ref: bunRef, dependsOn: linked.map((component) => component["bom-ref"]) },
    ],
  };
}

function packageComponent({ name, version, license }: BundledPackage) {
  const runtime = name === "bun";
  const purl = runtime
    ? `pkg:github/oven-sh/bun@bun-v${version}`
    : `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
  return {
    type: runtime ? "platform" : "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    licenses: [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }],
  };
}

function libraryComponent({ name, version, license }: RuntimeLibrary) {
  return {
    type: "library",
    "bom-ref": `pkg:generic/${name}@${version}`,
    name,
    version,
    purl: `pkg:generic/${name}@${version}`,
    ...(license === null ? {} : { licenses: [{ license: { id: license } }] }),
  };
}

/** A UUID (version 8, RFC 9562) that follows from the content: the same binary has the same one. */
function uuidOf(sha256: string): string {
  const hex = `${sha256.slice(0, 12)}8${sha256.slice(13, 16)}8${sha256.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
