/** Names with `*` in them, as people write them for several at once. */

/** `*`: any letters. Everything else means itself. */
export function namePattern(pattern: string): RegExp {
  const pieces = pattern.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`, 's');
}
