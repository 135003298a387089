/**
 * All requests that two sets of rules could tell apart by host and path, one of each class. Paths are walked segment by segment
 * over the templates of both: two that the same templates still fit are alike to both. So nothing is sampled. Judges nothing.
 */
import type { RoutingOptions } from '../core/path-table.ts';
import type { TemplateSegment } from '../core/route.ts';

export interface TemplatesOfRules {
  readonly templates: ReadonlyArray<readonly TemplateSegment[]>;
  readonly options: RoutingOptions;
}

/** More states than any file that people write has. */
const STATES_MAX = 100_000;

/** A template, and how many of its segments have been passed; -1: whatever follows. */
type Place = readonly [template: number, passed: number];

interface Walk {
  readonly templates: ReadonlyArray<{ readonly segments: readonly TemplateSegment[]; readonly caseSensitive: boolean }>;
  /** A segment that is no template's. */
  readonly fresh: string;
}

/** null: there are more than can be looked at. */
export function pathClasses(sides: readonly TemplatesOfRules[]): string[][] | null {
  const templates = sides.flatMap((side) =>
    side.templates.map((segments) => ({ segments, caseSensitive: side.options.caseSensitive })),
  );
  const walk: Walk = { templates, fresh: freshText(templates.flatMap(({ segments }) => segments.map(textOf))) };
  const start = templates.flatMap((_, index) => settled(walk, [index, 0]));
  const waiting: Array<{ readonly path: readonly string[]; readonly places: readonly Place[] }> = [
    { path: [], places: start },
  ];
  const seen = new Set<string>();
  const paths: string[][] = [['']];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (const text of nextTexts(walk, state.places)) {
      const places = state.places.flatMap((place) => passed(walk, place, text));
      const key = JSON.stringify(places);
      if (seen.has(key)) continue;
      if (seen.size >= STATES_MAX) return null;
      seen.add(key);
      const path = [...state.path, text];
      paths.push(path, [...path, '']);
      if (places.length > 0) waiting.push({ path, places });
    }
  }
  return paths;
}

/** Each literal that may stand next, as it is written and where case means nothing in another case, and one that is none. */
function nextTexts({ templates, fresh }: Walk, places: readonly Place[]): Set<string> {
  const texts = new Set([fresh]);
  for (const [index, at] of places) {
    const segment = at === -1 ? undefined : templates[index]!.segments[at];
    if (segment?.kind !== 'literal' || segment.text === '') continue;
    texts.add(segment.text);
    if (templates.every(({ caseSensitive }) => caseSensitive)) continue;
    texts.add(segment.text.toLowerCase());
    texts.add(segment.text.toUpperCase());
  }
  return texts;
}

function passed(walk: Walk, [index, at]: Place, text: string): Place[] {
  if (at === -1) return [[index, -1]];
  const { segments, caseSensitive } = walk.templates[index]!;
  const segment = segments[at];
  if (segment === undefined || segment.kind === 'rest') return [];
  const fits =
    segment.kind === 'parameter' ||
    segment.text === text ||
    (!caseSensitive && segment.text.toLowerCase() === text.toLowerCase());
  return fits ? settled(walk, [index, at + 1]) : [];
}

function settled({ templates }: Walk, [index, at]: Place): Place[] {
  return [[index, templates[index]!.segments[at]?.kind === 'rest' ? -1 : at]];
}

function textOf(segment: TemplateSegment): string {
  return segment.kind === 'literal' ? segment.text.toLowerCase() : '';
}

function freshText(taken: readonly string[]): string {
  let text = 'anything';
  while (taken.includes(text)) text += '-else';
  return text;
}

/** One host of each class: each that is named, one below each wildcard, and one that nobody names. */
export function hostClasses(named: Iterable<string>): string[] {
  const names = new Set(named);
  const hosts = [...names].map((name) => (name.startsWith('*') ? freshText([...names]) + name.slice(1) : name));
  return [...new Set([...hosts, 'host-that-nobody-names.invalid'])];
}
