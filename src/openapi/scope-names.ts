/**
 * The scopes of an OpenAPI document as scopes of a policy. A name that a policy may have is kept; any other becomes one word,
 * which implies nothing. Two names never become one. The same document gives the same names.
 */
import { createHash } from 'node:crypto';
import { isMapping } from '../config/yaml/bare-copy.ts';
import { MANAGE, SCOPE_PATTERN } from '../core/scope.ts';
import { type ApiDocument, resolved } from './document.ts';
import { schemesOf } from './security.ts';

const FITS = new RegExp(SCOPE_PATTERN);
const WORD_MAX = 54;

/** By the name in the document. */
export function scopeNames(names: Iterable<string>): ReadonlyMap<string, string> {
  const all = [...new Set(names)];
  const taken = new Set(all.filter(isKept));
  const plain = all.filter((name) => !isKept(name)).map((name) => [name, wordOf(name)] as const);
  const isAlone = (made: string) => !taken.has(made) && plain.filter(([, other]) => other === made).length === 1;
  return new Map([
    ...[...taken].map((name) => [name, name] as const),
    ...plain.map(([name, made]) => [name, isAlone(made) ? made : `${made}-${shortHash(name)}`] as const),
  ]);
}

function isKept(name: string): boolean {
  return FITS.test(name) && name !== MANAGE;
}

function wordOf(name: string): string {
  const word = name
    .replace(/^https?:\/\//, '')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/-+$/, '')
    .slice(-WORD_MAX)
    .replace(/^[^A-Za-z]+/, '');
  return word === '' ? 'scope' : word;
}

function shortHash(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 6);
}

/** What the document says of each scope. */
export function scopeDescriptions(document: ApiDocument): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const scheme of Object.values(schemesOf(document)).map((each) => resolved(document, each))) {
    if (!isMapping(scheme)) continue;
    const flows = document.major === 2 ? [scheme] : isMapping(scheme.flows) ? Object.values(scheme.flows) : [];
    for (const flow of flows)
      for (const [name, text] of Object.entries(isMapping(flow) && isMapping(flow.scopes) ? flow.scopes : {}))
        if (!found.has(name)) found.set(name, typeof text === 'string' ? text.replace(/\s+/g, ' ').trim() : '');
  }
  return found;
}
