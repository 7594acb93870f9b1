/** One word of a command line in a systemd unit, systemd.service(5). */

/** ExecStart= splits at blanks, and expands "%" and "$". */
export function unitWord(word: string): string {
  const text = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
