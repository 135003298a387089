/** Names as people look for them. Pure. */

/** In any case, whatever form its characters have. */
export function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Whose name, or id, holds this part, whatever its case. Absent: everybody's. */
export function whoseNameHolds(part: string | undefined): (...names: readonly string[]) => boolean {
  const wanted = folded(part ?? '');
  return (...names) => wanted === '' || names.some((name) => folded(name).includes(wanted));
}
