/**
 * Tokens: made and read. The text of a token leaves this file once, from `createToken`; no read path returns it,
 * because nothing but its hash is kept.
 */
import { memberKey, type TokenHash, tokenKey } from '../../core/facts.ts';
import { mintToken, type RawToken } from '../../secret.ts';
import { maySeeTokenOf, requireAdministrator } from '../actor.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import { list, listInTurn, type Page, type PageRequest, readCursor } from '../listing.ts';
import { malformed, notFound, Rejection } from '../rejection.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import { change, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { findTokenByHash } from './access-tokens.ts';
import { newToken, type TokenInput } from './new-token.ts';
import { type FullReader, remembering, standingOf } from './standing.ts';
import { isSought, maybeSought, SoughtByUse, type TokenFilter } from './token-filter.ts';
import { chooseWay, NEVER_USED, recordsAreLate } from './token-lists.ts';

export interface CreatedToken {
  readonly doc: TokenDoc;
  /** The only time it is shown. */
  readonly token: string;
}

export async function createToken(
  context: ManageContext,
  org: string,
  input: TokenInput,
): Promise<WorkResult<CreatedToken>> {
  return change(context, org, async (unit) => {
    let token!: RawToken;
    const doc = await newToken(context, unit, org, input, ({ prefix }) => {
      token = mintToken(prefix);
      return { hash: token.hash(), hint: token.hint(prefix) };
    });
    unit.make('token', doc);
    unit.make('credential', { organizationId: org, tokenId: doc.id }, 'created', doc);
    return { doc, token: token.reveal() };
  });
}

export async function listTokens(
  context: ManageContext,
  org: string,
  filter: TokenFilter,
  page: PageRequest,
): Promise<Page<TokenDoc>> {
  const { rights } = await enter(context, reader(context.store), org);
  const policy = context.policy();
  // Whoever may not see everybody's is shown their own, whatever they ask for.
  const everybody = maySeeTokenOf(rights, policy, null);
  const owner = filter.owner ?? (everybody ? undefined : rights.member!.id);
  const sought: TokenFilter = owner === undefined ? filter : { ...filter, owner };
  const nowMs = context.nowMs();
  const late = filter.state !== undefined && (await recordsAreLate(context.store, org));
  const along = page.cursor === null ? null : readCursor(page.cursor).along;
  const way = await chooseWay(context.store, { org, filter: sought, ownOnly: !everybody, nowMs, late }, along);
  if (way === null) throw malformed('invalid_field', 'cursor must be the nextCursor of an earlier page', 'cursor');
  const [mayBe, isOfThose] = [maybeSought(sought, nowMs, late), isSought(context, filter, nowMs)];
  const facts = remembering(reader(context.store));
  return listInTurn(way, page, (range, part) => {
    const byUse = new SoughtByUse(context, range.along === NEVER_USED ? { ...filter, neverUsed: true } : filter, nowMs);
    const pick = async (stored: TokenDoc) => {
      // What the record and its use say already needs no other records.
      if (!mayBe(stored) || !byUse.maybeSought(stored)) return null;
      const doc = await standingOf(facts, stored);
      const isShown = doc !== null && maySeeTokenOf(rights, policy, doc.ownerId) && isOfThose(doc);
      return isShown && byUse.isSought(doc) ? doc : null;
    };
    const look = async (docs: readonly TokenDoc[]) => {
      const those = docs.filter(mayBe);
      await byUse.look(those);
      // Whose owners are asked for together, no round trip for each: `facts` remembers them.
      const first = those.filter((doc) => byUse.maybeSought(doc)).slice(0, part.limit);
      await Promise.all(first.map((doc) => standingOf(facts, doc)));
    };
    return list(context.store, 'token', range, { ...part, pick, look });
  });
}

export async function getToken(context: ManageContext, org: string, id: string): Promise<TokenDoc> {
  const { rights } = await enter(context, reader(context.store), org);
  const token = await requireToken(reader(context.store), org, id);
  // Somebody else's token is answered as one that does not exist.
  if (!maySeeTokenOf(rights, context.policy(), token.ownerId)) throw notFound('token', id);
  return token;
}

/** Whose token is this, so that a leaked one can be revoked? */
export async function findLeakedToken(context: ManageContext, hash: TokenHash): Promise<TokenDoc> {
  const found = await findTokenByHash(context.store, hash, context.nowMs());
  // Another organization's is answered as one that does not exist.
  if (found === null || (await isStranger(context, found.organizationId)))
    throw new Rejection({ kind: 'not_found', code: 'not_found', detail: 'No such token is known here.' });
  const subject = { organizationId: found.organizationId, target: { type: 'token', id: found.id } };
  await change(context, found.organizationId, async (unit) => {
    const { rights } = await enter(context, unit, found.organizationId);
    requireAdministrator(rights, 'find tokens by their value');
    unit.note({ action: 'token.found', target: subject.target });
  }).catch((error: unknown) => {
    throw error instanceof Rejection ? new Rejection(error.details, subject) : error;
  });
  return found;
}

async function isStranger({ actor, store }: ManageContext, org: string): Promise<boolean> {
  if (actor.kind === 'operator') return false;
  if (actor.kind === 'token') return actor.token.organizationId !== org;
  return (await store.get(memberKey(org, actor.id))) === null;
}

/** As it stands, whatever has ended it since it was written. */
export async function requireToken(unit: FullReader, org: string, id: string): Promise<TokenDoc> {
  const stored = await unit.get('token', tokenKey(org, id));
  const token = stored === null ? null : await standingOf(unit, stored);
  if (token === null) throw notFound('token', id);
  return token;
}
