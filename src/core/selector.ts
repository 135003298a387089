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

function queryValue(name: string, query: string): FieldValue {
  if (query === '') return undefined;
  // The usual query: this one parameter, in plain characters.
  if (query.charCodeAt(name.length + 1) === EQUALS && query.startsWith(name, 1)) {
    const value = query.slice(name.length + 2);
    if (isPlain(value)) return value;
  }
  const reader = new ParameterReader(name, query);
  reader.goOn(Number.POSITIVE_INFINITY);
  return reader.value;
}

/** Longer names that might be read as the one that is looked for are not looked into: no value is theirs. */
const NAME_MAX = 4096;

/** Reads one parameter's value, in steps: a form's text may be long. */
export class ParameterReader {
  readonly #name: string;
  readonly #folded: FoldedQueryName;
  readonly #query: string;
  #start = 1;
  /** Of how many pieces between `;` this is the one, from 0. */
  #part = 0;
  #isSeen = false;
  #value: FieldValue;

  /** `query`: with its `?`; of a form, its text behind a `?`, each character a byte. */
  constructor(name: string, query: string) {
    this.#name = name;
    this.#folded = foldedOf(name);
    this.#query = query;
  }

  /** As `select` says; of what has been read. */
  get value(): FieldValue {
    return this.#value;
  }

  /** Goes on for `characters` or somewhat more. Has it come to the end? */
  goOn(characters: number): boolean {
    const query = this.#query;
    const until = this.#start + characters;
    // Older parsers also split at `;`: a selector hidden behind one would be read there.
    for (let at = this.#start; at <= query.length; at++) {
      const code = at === query.length ? AMPERSAND : query.charCodeAt(at);
      if (code !== AMPERSAND && code !== SEMICOLON) continue;
      if (mayReadAs(query, this.#start, at, this.#folded)) this.#piece(this.#start, at);
      this.#part = code === AMPERSAND ? 0 : this.#part + 1;
      this.#start = at + 1;
      if (this.#start > until) break;
    }
    return this.#start > query.length;
  }

  #piece(start: number, end: number): void {
    const query = this.#query;
    const equals = query.slice(start, end).indexOf('=');
    const rawName = query.slice(start, equals === -1 ? end : start + equals);
    const isLong = rawName.length > NAME_MAX;
    // Spelled as configured it needs no folding.
    if (!isLong && rawName !== this.#name && !readsAs(rawName, this.#folded)) return;
    const isOnly = !this.#isSeen && !isLong && this.#part === 0 && equals !== -1;
    this.#isSeen = true;
    this.#value = null;
    if (!isOnly || decodeFormText(rawName) !== this.#name) return;
    const to = query.indexOf('&', end);
    this.#value = decodeFormText(query.slice(start + equals + 1, to === -1 ? query.length : to)) || null;
  }
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
