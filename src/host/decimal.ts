/** A column of digits as a number; 0 for anything else, because a damaged column tells nothing. */
export function decimal(word: string | undefined): number {
  return word !== undefined && /^\d{1,20}$/.test(word) ? Number(word) : 0;
}
