/**
 * The forms of tokens that another system minted and that were imported by their hash. They carry no checksum of ours,
 * so a form says little: it only keeps what could never have been imported away from the store.
 */

/** Lengths are those of the whole token, prefix included, and inclusive. */
export interface TokenPattern {
  readonly prefix: string;
  readonly minLength: number;
  readonly maxLength: number;
}

/** May `text` be an imported token? Does NOT say that it is one. */
export function isImportedForm(text: string, patterns: readonly TokenPattern[]): boolean {
  return patterns.some(
    ({ prefix, minLength, maxLength }) =>
      text.length >= minLength && text.length <= maxLength && text.startsWith(prefix),
  );
}

/** What people may be shown of a token, behind its prefix. */
const HINT_LENGTH = 4;

/** How many characters of a token that begins so may be kept for people to know it by; null: no pattern admits it. */
export function hintMax(start: string, patterns: readonly TokenPattern[]): number | null {
  const fitting = patterns.filter(({ prefix }) => start.startsWith(prefix) || prefix.startsWith(start));
  return fitting.length === 0 ? null : Math.max(...fitting.map(({ prefix }) => prefix.length + HINT_LENGTH));
}
