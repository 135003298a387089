/**
 * Step 8 of a request, first half: which workspace, environment or resource it is about, read from the path, the query,
 * a header or the body. A value that another parser behind us could read differently is no value: `ambiguous`.
 */
import type { BodyField, FieldValue, InspectedBody } from './bodies/inspected-body.ts';
import { type FoldedQueryName, foldHeaderName, foldQueryName, readsAs } from './folded-name.ts';
import { decodeFormText } from './form-text.ts';
import { lowerName } from './framing.ts';

/** One place in a request. */
export type SelectorPlace =
  | { readonly from: 'path'; readonly index: number }
  | { readonly from: 'query'; readonly name: string }
  | { readonly from: 'header'; readonly name: string }
  | { readonly from: 'body'; readonly field: BodyField };

/** `list`: the first place that has a value, where the others have the same or none. */
export type Selector = SelectorPlace | { readonly from: 'list'; readonly places: readonly SelectorPlace[] };

/** Where a selector looks. */
export interface SelectorSource {
  readonly segments: readonly string[];
  /** With its `?`, or empty. */
  readonly query: string;
  /** Raw pairs. */
  readonly headers: readonly string[];
  /** Absent: not read. */
  readonly body?: InspectedBody | undefined;
}

const [EQUALS, AMPERSAND, SEMICOLON] = [0x3d, 0x26, 0x3b];

/** The one value. undefined: there is none. null: empty, repeated, present in a second spelling, or two that differ. */
export function select(selector: Selector, source: SelectorSource): FieldValue {
  switch (selector.from) {
    case 'path':
      return source.segments[selector.index] || undefined;
    case 'query':
      return queryValue(selector.name, source.query);
    case 'header':
      return fromHeader(selector.name, source.headers);
    case 'body':
      return agreed([selector], source);
    case 'list':
      return agreed(selector.places, source);
  }
}

/** The fields of a body that it needs. */
export function bodyFieldsOf(selector: Selector): readonly BodyField[] {
  if (selector.from === 'body') return [selector.field];
  return selector.from === 'list' ? selector.places.flatMap(bodyFieldsOf) : [];
}

/** Some upstreams read a form and the query as one: a parameter of a field's name must not say something else. */
function agreed(places: readonly SelectorPlace[], source: SelectorSource): FieldValue {
  let value: string | undefined;
  for (const place of places) {
    const found = place.from === 'body' ? source.body?.values.get(place.field.name) : select(place, source);
    if (found === null || (found !== undefined && value !== undefined && found !== value)) return null;
    value ??= found;
  }
  if (value === undefined || source.body?.kind !== 'form') return value;
  for (const place of places) {
    if (place.from !== 'body') continue;
    const twin = queryValue(place.field.name, source.query);
    if (twin !== undefined && twin !== value) return null;
  }
  return value;
}

/** Characters that mean themselves in a query, whoever parses it; enough for every id. */
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[A-Za-z0-9._~@|-]/.test(String.fromCharCode(code))),
);

/** On the few characters of an id a loop takes a fifth of a regular expression's time. */
function isPlain(value: string): boolean {
  for (let index = 0; index < value.length; index++) if (PLAIN[value.charCodeAt(index)] !== 1) return false;
  return value !== '';
}

/** Most of a form's many fields are told apart by their first letter or digit. */
function mayReadAs(query: string, start: number, end: number, { folded }: FoldedQueryName): boolean {
  if (start === end) return false;
  const first = query.charCodeAt(start);
  // A control character in front is dropped by some parsers: only letters are made lower.
  const code = first >= 0x41 && first <= 0x5a ? first | 0x20 : first;
  const isPlainFirst = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
  return !isPlainFirst || code === folded.charCodeAt(0);
}

/** Also of a form: `query` is then its text behind a `?`, each character a byte. */
export function queryValue(name: string, query: string): FieldValue {
  if (query === '') return undefined;
  // The usual query: this one parameter, in plain characters.
  if (query.charCodeAt(name.length + 1) === EQUALS && query.startsWith(name, 1)) {
    const value = query.slice(name.length + 2);
    if (isPlain(value)) return value;
  }
  const folded = foldedOf(name);
  let value: FieldValue;
  let seen = 0;
  let start = 1;
  let part = 0;
  // Older parsers also split at `;`: a selector hidden behind one would be read there.
  for (let at = 1; at <= query.length; at++) {
    const code = at === query.length ? AMPERSAND : query.charCodeAt(at);
    if (code !== AMPERSAND && code !== SEMICOLON) continue;
    if (mayReadAs(query, start, at, folded)) {
      const equals = query.slice(start, at).indexOf('=');
      const rawName = query.slice(start, equals === -1 ? at : start + equals);
      if (readsAs(rawName, folded)) {
        seen++;
        if (decodeFormText(rawName) !== name || part > 0 || equals === -1) return null;
        const end = query.indexOf('&', at);
        value = decodeFormText(query.slice(start + equals + 1, end === -1 ? query.length : end));
      }
    }
    part = code === AMPERSAND ? 0 : part + 1;
    start = at + 1;
  }
  if (seen === 0) return undefined;
  return seen === 1 && value !== '' ? value : null;
}

/** By the name as configured: there are as many as selectors. */
const foldedNames = new Map<string, FoldedQueryName>();

function foldedOf(name: string): FoldedQueryName {
  let folded = foldedNames.get(name);
  if (folded === undefined) {
    folded = foldQueryName(name);
    foldedNames.set(name, folded);
  }
  return folded;
}

function fromHeader(name: string, headers: readonly string[]): FieldValue {
  const folded = foldHeaderName(name);
  const lower = name.toLowerCase();
  let value: FieldValue;
  for (let index = 0; index < headers.length; index += 2) {
    const seen = headers[index]!;
    // Named there, it is dropped on the way: the upstream would not see what was judged.
    if (lowerName(seen) === 'connection' && names(headers[index + 1]!, lower)) return null;
    if (foldHeaderName(seen) !== folded) continue;
    if (value !== undefined || lowerName(seen) !== lower) return null;
    value = headers[index + 1]!;
  }
  return value === '' ? null : value;
}

function names(list: string, lower: string): boolean {
  return list
    .toLowerCase()
    .split(',')
    .some((name) => name.trim() === lower);
}
