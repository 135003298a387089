/**
 * Tokens: made and read. The text of a token leaves this file once, from `createToken`; no read path returns it,
 * because nothing but its hash is kept.
 */
import { type AllGrant, credentialKey, tokenKey } from '../core/facts.ts';
import { DAY_MS } from '../core/policy.ts';
import { mintToken } from '../secret.ts';
import { findToken } from './access-tokens.ts';
import { maySeeTokenOf, requireAdministrator, requireHolder, requireKind, requireSelf } from './actor.ts';
import { enter, type ManageContext, reader } from './context.ts';
import { change, type Drafted } from './draft.ts';
import { type ExpiryInput, readExpiry } from './expiry.ts';
import { checkScopes, checkWorkspaces, requireWithin } from './grants.ts';
import { checkLimits } from './limits.ts';
import { list, type Page } from './listing.ts';
import { requireOwner } from './members.ts';
import { type ContactsInput, readApiVersion, readContacts } from './metadata.ts';
import { lists } from './places.ts';
import type { DocReader, TokenDoc } from './records.ts';
import { notFound, Rejection, unacceptable } from './rejection.ts';
import { newTokenId } from './token-id.ts';
import { stateShown, type TokenStateShown } from './token-state.ts';

export interface TokenInput extends ExpiryInput {
  readonly kind?: string;
  readonly name: string;
  readonly description?: string | null;
  readonly owner?: string;
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[] | AllGrant | 'all';
  readonly apiVersion?: string;
  readonly contacts?: ContactsInput | null;
}

export interface CreatedToken {
  readonly doc: TokenDoc;
  /** The only time it is shown. */
  readonly token: string;
}

export async function createToken(
  context: ManageContext,
  org: string,
  input: TokenInput,
): Promise<Drafted<CreatedToken>> {
  return change(context, org, async (draft) => {
    const { organization, rights } = await enter(context, draft, org);
    const policy = context.policy();
    const kindName = input.kind ?? policy.defaultKind;
    const kind = policy.kinds.get(kindName);
    if (kind === undefined)
      throw unacceptable('kind_unknown', 'kind', `kind must be one of: ${[...policy.kinds.keys()].join(', ')}.`);
    const owner = await requireOwner(draft, org, input.owner ?? rights.member?.id);
    requireSelf(rights, owner, 'create');
    requireKind(rights, kind);
    requireHolder(owner, kind, policy);
    const scopes = checkScopes(policy, kind, owner, input.scopes);
    const granted = await checkWorkspaces(draft, policy, kind, owner, input.workspaces);
    const nowMs = context.nowMs();
    const expiresAtMs = readExpiry(kind, input, nowMs);
    const token = mintToken(kind.prefix);
    const hash = token.hash();
    const doc: TokenDoc = {
      organizationId: org,
      edition: organization.edition,
      id: newTokenId(nowMs),
      kind: kind.name,
      authority: kind.authority,
      ownerId: owner.id,
      ownerGeneration: owner.generation,
      clientId: null,
      scopes,
      ...granted,
      state: 'active',
      stateReason: null,
      expiresAtMs,
      name: input.name,
      description: input.description ?? null,
      createdBy: rights.member?.id ?? null,
      createdAtMs: nowMs,
      lastUsedAtMs: null,
      hint: token.hint(kind.prefix),
      hash,
      apiVersion: readApiVersion(policy, input.apiVersion),
      contacts: await readContacts(draft, org, input.contacts),
    };
    await requireWithin(draft, rights.actor, doc);
    await checkLimits(draft, kind, doc, nowMs);
    draft.expectAbsent(credentialKey(hash));
    draft.put('token', doc);
    draft.put('credential', { organizationId: org, tokenId: doc.id, endsAtMs: null }, { hash });
    return { doc, token: token.reveal() };
  });
}

export interface TokenFilter {
  readonly kind?: string;
  readonly owner?: string;
  readonly state?: TokenStateShown;
  readonly expiringWithinDays?: number;
}

export async function listTokens(
  context: ManageContext,
  org: string,
  filter: TokenFilter,
  page: { readonly limit: number; readonly cursor: string | null },
): Promise<Page<TokenDoc>> {
  const { rights } = await enter(context, reader(context.store), org);
  const policy = context.policy();
  // Whoever may not see everybody's is shown their own, whatever they ask for.
  const everybody = maySeeTokenOf(rights, policy, null);
  const nowMs = context.nowMs();
  const untilMs = filter.expiringWithinDays === undefined ? null : nowMs + filter.expiringWithinDays * DAY_MS;
  const owner = filter.owner ?? (everybody ? undefined : rights.member!.id);
  const index = owner === undefined ? lists.tokens(org) : lists.tokensOwnedBy(org, owner);
  const keep = (doc: TokenDoc) =>
    maySeeTokenOf(rights, policy, doc.ownerId) &&
    (filter.kind === undefined || doc.kind === filter.kind) &&
    (filter.state === undefined || stateShown(doc, nowMs) === filter.state) &&
    (untilMs === null || (doc.expiresAtMs !== null && doc.expiresAtMs > nowMs && doc.expiresAtMs <= untilMs));
  return list(context.store, 'token', index, { ...page, keep });
}

export async function getToken(context: ManageContext, org: string, id: string): Promise<TokenDoc> {
  const { rights } = await enter(context, reader(context.store), org);
  const token = await requireToken(reader(context.store), org, id);
  // Somebody else's token is answered as one that does not exist.
  if (!maySeeTokenOf(rights, context.policy(), token.ownerId)) throw notFound('token', id);
  return token;
}

/** Whose token is this, so that a leaked one can be revoked? By hash; the value is neither stored nor logged. */
export async function findTokenByText(context: ManageContext, text: string): Promise<TokenDoc> {
  const found = await findToken(context.store, text, context.nowMs());
  if (found === null) throw new Rejection({ status: 404, code: 'not_found', detail: 'No such token is known here.' });
  const subject = { organizationId: found.organizationId, target: { type: 'token', id: found.id } };
  await change(context, found.organizationId, async (draft) => {
    const { rights } = await enter(context, draft, found.organizationId);
    requireAdministrator(rights, 'find tokens by their value');
    draft.note({ action: 'token.found', target: subject.target });
  }).catch((error: unknown) => {
    throw error instanceof Rejection ? new Rejection(error.details, subject) : error;
  });
  return found;
}

export async function requireToken(draft: DocReader, org: string, id: string): Promise<TokenDoc> {
  const token = await draft.get('token', tokenKey(org, id));
  if (token === null) throw notFound('token', id);
  return token;
}
