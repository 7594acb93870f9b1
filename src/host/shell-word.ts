/** One word of a POSIX shell's command line, for lines that people copy into a terminal. */

const plainWord = /^[\w@%+=:,./-]+$/;

/** The text as it is where no shell would change it, else in single quotes. */
export function shellWord(text: string): string {
  return plainWord.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
