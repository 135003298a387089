/**
 * What is wrong with a call before anybody looks at what it asks for: headers that can be read in two ways, a body where
 * none is taken. Refuses; never chooses one of two.
 */
import type { IncomingMessage } from 'node:http';
import { foldHeaderName } from '../core/folded-name.ts';

export interface Ambiguity {
  readonly code: string;
  readonly detail: string;
  readonly field: string;
}

const ONCE = ['Authorization', 'Host'];
const ACTOR = 'Scopegate-Actor';

/** null: nothing is wrong. */
export function refuseHeaders({ rawHeaders, httpVersion }: IncomingMessage): Ambiguity | null {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  for (const field of ONCE) {
    if (names.filter((name) => name.toLowerCase() === field.toLowerCase()).length > 1)
      return { code: 'header_ambiguous', field, detail: `${field} may come once only.` };
  }
  if (httpVersion !== '1.0' && !names.some((name) => name.toLowerCase() === 'host'))
    return { code: 'header_missing', field: 'Host', detail: 'Host is required (RFC 9112 section 3.2).' };
  // Left aside, it would give the operator's rights to a call that was meant to have a member's.
  const other = names.find(
    (name) => foldHeaderName(name) === foldHeaderName(ACTOR) && name.toLowerCase() !== ACTOR.toLowerCase(),
  );
  if (other === undefined) return null;
  return { code: 'invalid_actor', field: other, detail: `${other} means nothing here; the header is ${ACTOR}.` };
}

const BODILESS = new Set(['GET', 'HEAD', 'DELETE']);

/** null: nothing is wrong. Only an empty body goes unnoticed. */
export function refuseBody({ method, headers }: IncomingMessage): Ambiguity | null {
  const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (empty || !BODILESS.has(method!)) return null;
  return { code: 'body_not_taken', field: 'body', detail: `${method} takes no body.` };
}
