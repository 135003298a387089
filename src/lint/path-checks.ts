/** Words of paths that differ in their spelling alone: SG113. */
import { readTemplate } from '../core/template.ts';
import type { Remark, Subject } from './finding.ts';

/** Where in the tree of paths, and the word there without what slips: capitals, hyphens, underscores. */
function foldedPlaces(path: string, caseSensitive: boolean): Array<{ place: string; word: string; shown: string }> {
  const template = readTemplate(path);
  const segments = template.ok ? template.segments : [];
  let before = '';
  let shown = '';
  return segments.map((segment) => {
    const text = segment.kind === 'literal' ? segment.text : segment.kind === 'rest' ? '**' : '{}';
    const word = caseSensitive ? text : text.toLowerCase();
    shown += `/${segment.kind === 'parameter' ? `{${segment.name}}` : text}`;
    const found = {
      place: `${before}/${text === '' ? '' : text.toLowerCase().replace(/[-_]/g, '') || text}`,
      word,
      shown,
    };
    before += `/${word}`;
    return found;
  });
}

/** One for each pair of spellings, wherever it stands first. */
export function remarksOnPaths({ found }: Subject): Remark[] {
  const { file } = found.plain;
  const { caseSensitive, ignoreTrailingSlash } = file.routing;
  const seen = new Map<string, { words: Set<string>; shown: string; id: string }>();
  const paths = new Map<string, string>();
  const remarks: Remark[] = [];
  for (const [index, { id, match }] of file.routes.entries()) {
    const at = found.notes.at(['routes', index, 'match', 'path']);
    const hosts = (match.hosts ?? []).toSorted().join();
    for (const { place, word, shown } of foldedPlaces(match.path, caseSensitive)) {
      const key = `${hosts} ${place}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, { words: new Set([word]), shown, id });
      else if (!other.words.has(word)) {
        other.words.add(word);
        remarks.push({
          code: 'SG113',
          at,
          message: `${shown} of the route "${id}" and ${other.shown} of the route "${other.id}"`,
          route: id,
        });
      }
    }
    const bare = `${hosts} ${match.path.replace(/(?<=.)\/$/, '').replace(/\{[^}]*\}/g, '{}')}`;
    const twin = paths.get(bare);
    if (twin === undefined) paths.set(bare, match.path);
    else if (!ignoreTrailingSlash && twin.endsWith('/') !== match.path.endsWith('/'))
      remarks.push({ code: 'SG113', at, message: `${match.path} of the route "${id}" and ${twin}`, route: id });
  }
  return remarks;
}
