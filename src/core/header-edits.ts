/**
 * What a route changes among the headers that cross: names that are taken away in every spelling, and lines that are
 * written at the end. Knows ready lines only, and judges no name.
 */
import { type Cors, corsHeaders, isCorsHeader, originOf } from './cors.ts';
import { foldHeaderName } from './folded-name.ts';
import { lowerName } from './framing.ts';

export interface HeaderEdits {
  /** Folded names. */
  readonly removed: ReadonlySet<string>;
  /** Each with CRLF. */
  readonly lines: string;
}

/** `lines`: each with CRLF. */
export function editLines(lines: string, edits: HeaderEdits): string {
  return withoutRemovedLines(lines, edits) + edits.lines;
}

/** `lines`: each with CRLF. */
export function withoutRemovedLines(lines: string, { removed }: HeaderEdits): string {
  if (removed.size === 0) return lines;
  let kept = '';
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\r\n', at) + 2;
    const name = lines.slice(at, lines.indexOf(':', at));
    if (!removed.has(foldHeaderName(name))) kept += lines.slice(at, end);
    at = end;
  }
  return kept;
}

/** What a route changes in answers, those of the gateway included. */
export interface AnswerEdits {
  /** Folded names of the upstream's headers. */
  readonly removed: ReadonlySet<string>;
  /** Raw pairs. */
  readonly added: readonly string[];
  /** null: CORS is the upstream's own affair. */
  readonly cors: Cors | null;
}

/** Raw pairs of an upstream's answer without what the route takes away. */
export function withoutRemoved(pairs: readonly string[], { removed, cors }: AnswerEdits): string[] {
  const kept: string[] = [];
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index]!;
    if (removed.has(foldHeaderName(name)) || (cors !== null && isCorsHeader(lowerName(name)))) continue;
    kept.push(name, pairs[index + 1]!);
  }
  return kept;
}

/** Raw pairs to add to any answer. `headers`: of the request. */
export function addedTo({ added, cors }: AnswerEdits, headers: readonly string[]): readonly string[] {
  return cors === null ? added : [...added, ...corsHeaders(cors, originOf(headers))];
}
