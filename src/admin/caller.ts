/**
 * Who is calling the sidecar: the admin key, alone or as a member, or a member by their own managing token, each by itself
 * or through a session that was opened with it. Says who; what they may do is judged by manage/.
 */
import type { FastifyRequest } from 'fastify';
import { isId, memberKey, type TokenHash } from '../core/facts.ts';
import { isWellFormed, withoutTokens } from '../core/token-format.ts';
import { type Actor, managesFor, OPERATOR } from '../manage/actor.ts';
import { type ManageContext, reader } from '../manage/context.ts';
import { permitted } from '../manage/permitted.ts';
import { malformed, Rejection } from '../manage/rejection.ts';
import { findTokenByHash } from '../manage/tokens/access-tokens.ts';
import { mayComeFrom } from '../manage/tokens/addresses.ts';
import { hashToken } from '../secret.ts';
import { isAdminKey } from './admin-key.ts';
import type { Sessions } from './sessions.ts';
import type { Visit } from './visit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    actor?: Actor;
  }
}

/** The context in which a request is carried out: that of the sidecar, on behalf of its caller. */
export type ContextOf = (request: FastifyRequest) => ManageContext;

const ACTOR_HEADER = 'scopegate-actor';

/** What is asked to know callers. */
export interface CallerParts {
  readonly manage: Omit<ManageContext, 'actor'>;
  readonly keys: readonly string[];
  readonly sessions: Sessions;
}

/**
 * null: nobody known. Throws Rejection: 400 for an actor header that means nothing, 403 for a token from a wrong address,
 * and for a session that another page wants to use.
 */
export async function readCaller(
  parts: CallerParts,
  headers: FastifyRequest['headers'],
  visit: Visit,
): Promise<Actor | null> {
  const { authorization, [ACTOR_HEADER]: header } = headers;
  const actor = await presentedBy(parts, authorization, visit, header === undefined);
  if (actor === null || header === undefined) return actor;
  return actor.kind === 'operator' ? actingAs(header) : null;
}

async function presentedBy(
  parts: CallerParts,
  authorization: string | undefined,
  visit: Visit,
  mayBeToken: boolean,
): Promise<Actor | null> {
  if (authorization === undefined) return ofSession(parts, visit);
  const text = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (text === undefined) return null;
  if (isAdminKey(parts.keys, text)) return OPERATOR;
  return mayBeToken ? ofToken(parts.manage, text, visit) : null;
}

/** By what somebody types: the admin key, or a managing token. */
export async function ofCredential(parts: CallerParts, text: string, visit: Visit): Promise<Actor | null> {
  return isAdminKey(parts.keys, text) ? OPERATOR : ofToken(parts.manage, text, visit);
}

async function ofSession({ manage, sessions }: CallerParts, visit: Visit): Promise<Actor | null> {
  const session = visit.sessionId === null ? null : sessions.find(visit.sessionId);
  if (session === null) return null;
  if (!visit.isSameOrigin) throw notSameOrigin();
  return session.signedIn === null ? OPERATOR : managingToken(manage, session.signedIn, visit);
}

export function notSameOrigin(): Rejection {
  return new Rejection({
    kind: 'forbidden',
    code: 'not_same_origin',
    detail:
      'A session is for scripts on pages of the sidecar alone: the browser must say Sec-Fetch-Site: same-origin. Other programs send the admin key, or a managing token, as a bearer token.',
  });
}

function actingAs(header: string | string[]): Actor {
  if (typeof header === 'string' && isId(header) && withoutTokens(header) === header)
    return { kind: 'member', id: header };
  throw malformed('invalid_actor', 'Scopegate-Actor must be the id of one member.', 'Scopegate-Actor');
}

async function ofToken(manage: CallerParts['manage'], text: string, visit: Visit): Promise<Actor | null> {
  return isWellFormed(text, manage.policy().prefixes) ? managingToken(manage, hashToken(text), visit) : null;
}

async function managingToken(manage: CallerParts['manage'], hash: TokenHash, visit: Visit): Promise<Actor | null> {
  const nowMs = manage.nowMs();
  const token = await findTokenByHash(manage.store, hash, nowMs);
  if (token === null || token.ownerId === null) return null;
  const owner = await reader(manage.store).get('member', memberKey(token.organizationId, token.ownerId));
  if (owner === null) return null;
  const member = await permitted(reader(manage.store), manage.policy(), owner, 'everywhere');
  if (!managesFor(token, member, manage.policy(), nowMs)) return null;
  if (!mayComeFrom(token, visit.knownAddress ?? ''))
    throw new Rejection({
      kind: 'forbidden',
      code: 'address_not_allowed',
      detail: 'This token may not be used from this address.',
    });
  return { kind: 'token', id: owner.id, token, hash };
}
