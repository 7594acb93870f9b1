/**
 * Files that are wholly ours carry a header with the hash of what follows it, so that a file that
 * somebody edited, or that was there before us, is recognised and left alone.
 */
const headerPattern = /^# Written by hftedge tune, sha256 ([0-9a-f]{64})\.\n/;

function hash(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** The text of a file of ours with this body. */
export function ownedText(body: string): string {
  const rest = `# Do not edit: \`hftedge tune revert\` takes it away, a changed file is left in place.\n\n${body}`;
  return `# Written by hftedge tune, sha256 ${hash(rest)}.\n${rest}`;
}

/** "ours": header and hash agree; "edited": the header is ours, the rest is not; else "foreign". */
export function ownership(text: string): "ours" | "edited" | "foreign" {
  const match = headerPattern.exec(text);
  if (match === null) return "foreign";
  return hash(text.slice(match[0].length)) === match[1] ? "ours" : "edited";
}
