/** Where a route takes its token from, compiled, and what of it no route can take. */
import type { BasicSource } from '../../core/basic-credential.ts';
import { AUTHORIZATION_QUERY, BEARER_ONLY, type CredentialSources, type HeaderSource } from '../../core/credential.ts';
import { crossingOf } from '../../core/field-names.ts';
import { type FoldedQueryName, foldHeaderName, foldQueryName } from '../../core/folded-name.ts';
import type { Notes } from './notes.ts';
import type { Said } from './route-settings.ts';

/** Headers that mean something else to clients, to us or to upstreams, beside those that do not cross (core/field-names). */
const NO_CREDENTIAL = new Set([
  'cookie',
  'content-type',
  'content-encoding',
  'origin',
  'range',
  'accept',
  'user-agent',
]);

/** `said`: undefined where nobody says: bearer alone. `basic`: what a route that takes Basic needs to know. */
export function compileCredentials(
  notes: Notes,
  said: Said<readonly string[]> | undefined,
  forwardsAuthorization: boolean,
  basic: BasicSource,
): CredentialSources {
  if (said === undefined) return BEARER_ONLY;
  const takes = new Set(said.value);
  const headers = new Map<string, HeaderSource>();
  const queries = new Map<string, FoldedQueryName>();
  for (const [index, text] of said.value.entries()) {
    const at = [...said.at, index];
    const name = text.slice(text.indexOf('.') + 1);
    if (text.startsWith('header.')) {
      const source = { name: name.toLowerCase(), folded: foldHeaderName(name) };
      if (headers.has(source.folded)) notes.problem(at, `the header ${name} already stands here, in some spelling`);
      else if (crossingOf(name) !== 'pass' || NO_CREDENTIAL.has(source.folded))
        notes.problem(at, `the header ${name} cannot hold a token: ${reasonOf(source.name)}`);
      headers.set(source.folded, source);
    } else if (text.startsWith('query.')) {
      const source = name.toLowerCase() === AUTHORIZATION_QUERY.name ? AUTHORIZATION_QUERY : foldQueryName(name);
      if (queries.has(source.folded)) notes.problem(at, `the parameter ${name} already stands here, in some spelling`);
      queries.set(source.folded, source);
    }
  }
  const isInAuthorization = takes.has('bearer') || takes.has('raw') || takes.has('basic');
  return {
    bearer: takes.has('bearer'),
    raw: takes.has('raw'),
    basic: takes.has('basic') ? basic : null,
    headers: [...headers.values()],
    queries: [...queries.values()],
    leavesAuthorization: forwardsAuthorization && !isInAuthorization,
  };
}

function reasonOf(name: string): string {
  if (name === 'authorization') return 'say bearer, raw or basic';
  return NO_CREDENTIAL.has(name) ? 'it means something else' : 'the gateway writes or removes it itself';
}
