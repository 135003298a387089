/**
 * Who is calling the sidecar: the admin key, alone or as a member, or a member by their own managing token. Says who;
 * what they may do is judged by manage/.
 */
import type { FastifyRequest } from 'fastify';
import { isId, memberKey } from '../core/facts.ts';
import { isWellFormed, withoutTokens } from '../core/token-format.ts';
import { type Actor, managesFor, OPERATOR } from '../manage/actor.ts';
import { type ManageContext, reader } from '../manage/context.ts';
import { malformed, Rejection } from '../manage/rejection.ts';
import { findToken } from '../manage/tokens/access-tokens.ts';
import { mayComeFrom } from '../manage/tokens/addresses.ts';
import { hashToken } from '../secret.ts';
import { isAdmin } from './admin-key.ts';

declare module 'fastify' {
  interface FastifyRequest {
    actor?: Actor;
  }
}

/** The context in which a request is carried out: that of the sidecar, on behalf of its caller. */
export type ContextOf = (request: FastifyRequest) => ManageContext;

const ACTOR_HEADER = 'scopegate-actor';

/** null: nobody known. Throws Rejection: 400 for an actor header that means nothing, 403 for a token from a wrong address. */
export async function readCaller(
  manage: Omit<ManageContext, 'actor'>,
  keys: readonly string[],
  request: FastifyRequest,
): Promise<Actor | null> {
  const header = request.headers[ACTOR_HEADER];
  if (isAdmin(keys, request.headers.authorization)) return header === undefined ? OPERATOR : actingAs(header);
  if (header !== undefined) return null;
  const text = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return text === undefined ? null : managingToken(manage, text, request.socket.remoteAddress ?? '');
}

function actingAs(header: string | string[]): Actor {
  if (typeof header === 'string' && isId(header) && withoutTokens(header) === header)
    return { kind: 'member', id: header };
  throw malformed('invalid_actor', 'Scopegate-Actor must be the id of one member.', 'Scopegate-Actor');
}

/** `address`: of the peer, since the sidecar believes no proxy. */
async function managingToken(
  manage: Omit<ManageContext, 'actor'>,
  text: string,
  address: string,
): Promise<Actor | null> {
  if (!isWellFormed(text, manage.policy().prefixes)) return null;
  const nowMs = manage.nowMs();
  const token = await findToken(manage.store, text, nowMs);
  if (token === null || token.ownerId === null) return null;
  const owner = await reader(manage.store).get('member', memberKey(token.organizationId, token.ownerId));
  if (owner === null || !managesFor(token, owner, manage.policy(), nowMs)) return null;
  if (!mayComeFrom(token, address))
    throw new Rejection({
      kind: 'forbidden',
      code: 'address_not_allowed',
      detail: 'This token may not be used from this address.',
    });
  return { kind: 'token', id: owner.id, token, hash: hashToken(text) };
}
