/**
 * What a route changes among the headers that cross: names that are taken away in every spelling, and lines that are
 * written at the end. Knows ready lines only, and judges no name.
 */
import { foldHeaderName } from './folded-name.ts';

export interface HeaderEdits {
  /** Folded names. */
  readonly removed: ReadonlySet<string>;
  /** Each with CRLF. */
  readonly lines: string;
}

/** `lines`: each with CRLF. */
export function editLines(lines: string, { removed, lines: added }: HeaderEdits): string {
  if (removed.size === 0) return lines + added;
  let kept = '';
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\r\n', at) + 2;
    const name = lines.slice(at, lines.indexOf(':', at));
    if (!removed.has(foldHeaderName(name))) kept += lines.slice(at, end);
    at = end;
  }
  return kept + added;
}
