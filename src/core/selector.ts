/**
 * Step 8 of a request, first half: which workspace, environment or resource it is about, read from the path, the query
 * or a header. A value that another parser behind us could read differently is no value: `ambiguous`.
 */
import { type FoldedQueryName, foldHeaderName, foldQueryName, readsAs } from './folded-name.ts';
import { decodeFormText } from './form-text.ts';
import { lowerName } from './framing.ts';

export type Selector =
  | { readonly from: 'path'; readonly index: number }
  | { readonly from: 'query'; readonly name: string }
  | { readonly from: 'header'; readonly name: string };

/** Where a selector looks. */
export interface SelectorSource {
  readonly segments: readonly string[];
  /** With its `?`, or empty. */
  readonly query: string;
  /** Raw pairs. */
  readonly headers: readonly string[];
}

const EQUALS = 0x3d;

/** The one value, or null: absent, empty, repeated, or present in a second spelling. */
export function select(selector: Selector, source: SelectorSource): string | null {
  switch (selector.from) {
    case 'path':
      return source.segments[selector.index] || null;
    case 'query':
      return fromQuery(selector.name, source.query);
    case 'header':
      return fromHeader(selector.name, source.headers);
  }
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

function fromQuery(name: string, query: string): string | null {
  if (query === '') return null;
  // The usual query: this one parameter, in plain characters.
  if (query.charCodeAt(name.length + 1) === EQUALS && query.startsWith(name, 1)) {
    const value = query.slice(name.length + 2);
    if (isPlain(value)) return value;
  }
  const folded = foldedOf(name);
  let value: string | null = null;
  let seen = 0;
  for (const pair of query.slice(1).split('&')) {
    // Older parsers also split at `;`: a selector hidden behind one would be read there.
    for (const [part, piece] of pair.split(';').entries()) {
      const equals = piece.indexOf('=');
      const rawName = equals === -1 ? piece : piece.slice(0, equals);
      if (!readsAs(rawName, folded)) continue;
      seen++;
      if (decodeFormText(rawName) !== name || part > 0 || equals === -1) return null;
      value = decodeFormText(pair.slice(equals + 1));
    }
  }
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

function fromHeader(name: string, headers: readonly string[]): string | null {
  const folded = foldHeaderName(name);
  const lower = name.toLowerCase();
  let value: string | null = null;
  for (let index = 0; index < headers.length; index += 2) {
    const seen = headers[index]!;
    // Named there, it is dropped on the way: the upstream would not see what was judged.
    if (lowerName(seen) === 'connection' && names(headers[index + 1]!, lower)) return null;
    if (foldHeaderName(seen) !== folded) continue;
    if (value !== null || lowerName(seen) !== lower) return null;
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
