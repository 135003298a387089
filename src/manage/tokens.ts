/**
 * Tokens: made, read, changed and ended. The text of a token leaves this file once, from `createToken`; no read path
 * returns it, because nothing but its hash is kept. Revoked and deleted are for ever.
 */
import { type AllGrant, credentialKey, memberKey, tokenKey } from '../core/facts.ts';
import { DAY_MS, type KindPolicy, type MutableField } from '../core/policy.ts';
import { mintToken } from '../secret.ts';
import { type ManageContext, reader, requireOrganization } from './context.ts';
import { change, type Draft, type Drafted, list, type Page } from './draft.ts';
import { type ExpiryInput, newExpiry, readExpiry } from './expiry.ts';
import { checkScopes, checkWorkspaces } from './grants.ts';
import { lists, type MemberDoc, type TokenDoc } from './records.ts';
import { conflict, notFound, type Rejection, unacceptable } from './rejection.ts';
import { newTokenId } from './token-id.ts';

export interface TokenInput extends ExpiryInput {
  readonly kind?: string;
  readonly name: string;
  readonly description?: string | null;
  readonly owner?: string;
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[] | AllGrant | 'all';
}

export interface TokenPatch {
  readonly name?: string;
  readonly description?: string | null;
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[] | AllGrant | 'all';
  readonly expiresAt?: string | null;
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
  return change(context.store, org, async (draft) => {
    const { edition } = await requireOrganization(draft, org);
    const policy = context.policy();
    const kindName = input.kind ?? policy.defaultKind;
    const kind = policy.kinds.get(kindName);
    if (kind === undefined)
      throw unacceptable('kind_unknown', 'kind', `kind must be one of: ${[...policy.kinds.keys()].join(', ')}.`);
    const owner = await ownerOf(draft, org, input.owner);
    const scopes = checkScopes(policy, kind, owner, input.scopes);
    const granted = await checkWorkspaces(draft, policy, kind, owner, input.workspaces);
    const nowMs = context.nowMs();
    const expiresAtMs = readExpiry(kind, input, nowMs);
    const token = mintToken(kind.prefix);
    const hash = token.hash();
    const doc: TokenDoc = {
      organizationId: org,
      edition,
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
      createdBy: null,
      createdAtMs: nowMs,
      lastUsedAtMs: null,
      hint: token.hint(kind.prefix),
      hash,
      apiVersion: null,
      contacts: null,
    };
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

export type TokenStateShown = 'active' | 'inactive' | 'expired' | 'revoked';

/** What a token's state is to a reader: `expired` is never stored, so that it cannot be late. */
export function stateShown(doc: TokenDoc, nowMs: number): TokenStateShown {
  if (doc.state === 'revoked') return 'revoked';
  return doc.expiresAtMs !== null && nowMs >= doc.expiresAtMs ? 'expired' : doc.state;
}

export async function listTokens(
  context: ManageContext,
  org: string,
  filter: TokenFilter,
  page: { readonly limit: number; readonly cursor: string | null },
): Promise<Page<TokenDoc>> {
  await requireOrganization(reader(context.store), org);
  const nowMs = context.nowMs();
  const untilMs = filter.expiringWithinDays === undefined ? null : nowMs + filter.expiringWithinDays * DAY_MS;
  const index = filter.owner === undefined ? lists.tokens(org) : lists.tokensOwnedBy(org, filter.owner);
  const keep = (doc: TokenDoc) =>
    (filter.kind === undefined || doc.kind === filter.kind) &&
    (filter.state === undefined || stateShown(doc, nowMs) === filter.state) &&
    (untilMs === null || (doc.expiresAtMs !== null && doc.expiresAtMs > nowMs && doc.expiresAtMs <= untilMs));
  return list(context.store, 'token', index, { ...page, keep });
}

export async function getToken(context: ManageContext, org: string, id: string): Promise<TokenDoc> {
  await requireOrganization(reader(context.store), org);
  return requireToken(reader(context.store), org, id);
}

export async function patchToken(
  context: ManageContext,
  org: string,
  id: string,
  patch: TokenPatch,
): Promise<Drafted<TokenDoc>> {
  return change(context.store, org, async (draft) => {
    const before = await requireToken(draft, org, id);
    const policy = context.policy();
    const kind = policy.kinds.get(before.kind);
    if (kind === undefined)
      throw conflict('kind_unknown', `The policy in force no longer knows the kind ${before.kind}.`);
    if (before.state === 'revoked') throw terminal(before);
    for (const field of Object.keys(patch)) checkMutable(kind, field);
    let after: TokenDoc = { ...before };
    if (patch.name !== undefined) after = { ...after, name: patch.name };
    if (patch.description !== undefined) after = { ...after, description: patch.description };
    if (patch.scopes !== undefined || patch.workspaces !== undefined) {
      const owner = await ownerOf(draft, org, before.ownerId ?? undefined);
      if (patch.scopes !== undefined) after = { ...after, scopes: checkScopes(policy, kind, owner, patch.scopes) };
      if (patch.workspaces !== undefined)
        after = { ...after, ...(await checkWorkspaces(draft, policy, kind, owner, patch.workspaces)) };
    }
    if (patch.expiresAt !== undefined)
      after = { ...after, expiresAtMs: newExpiry(kind, before, patch.expiresAt, context.nowMs()) };
    draft.put('token', after);
    return after;
  });
}

export type StateChange = 'activate' | 'deactivate' | 'revoke';

export async function changeTokenState(
  context: ManageContext,
  org: string,
  id: string,
  asked: StateChange,
): Promise<Drafted<TokenDoc>> {
  return change(context.store, org, async (draft) => {
    const before = await requireToken(draft, org, id);
    if (before.state === 'revoked' && asked !== 'revoke') throw terminal(before);
    if (asked === 'activate') await checkOwnerStillThere(draft, before);
    const after: TokenDoc =
      asked === 'revoke'
        ? { ...before, state: 'revoked', stateReason: before.state === 'revoked' ? before.stateReason : null }
        : asked === 'activate'
          ? { ...before, state: 'active', stateReason: null }
          : { ...before, state: 'inactive', stateReason: before.state === 'inactive' ? before.stateReason : null };
    draft.put('token', after);
    return after;
  });
}

/** Works in every state. The value is unknown from the next request on. */
export async function deleteToken(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireToken(draft, org, id);
    for (const { key } of await draft.all('credential', lists.credentialsOf(org, id))) draft.delete(key);
    draft.delete(tokenKey(org, id));
  });
}

async function requireToken(draft: Pick<Draft, 'get'>, org: string, id: string): Promise<TokenDoc> {
  await requireOrganization(draft, org);
  const token = await draft.get('token', tokenKey(org, id));
  if (token === null) throw notFound('token', id);
  return token;
}

async function ownerOf(draft: Draft, org: string, id: string | undefined): Promise<MemberDoc> {
  if (id === undefined)
    throw unacceptable('owner_required', 'owner', 'owner is required: the member whom the token is for.');
  const owner = await draft.get('member', memberKey(org, id));
  if (owner === null)
    throw unacceptable('owner_unknown', 'owner', `There is no member ${JSON.stringify(id)} in this organization.`);
  return owner;
}

/** A token whose owner was removed can never be activated again, even when the id returns (contract 5). */
async function checkOwnerStillThere(draft: Draft, token: TokenDoc): Promise<void> {
  if (token.authority !== 'live') return;
  const owner = await draft.get('member', memberKey(token.organizationId, token.ownerId!));
  if (token.stateReason === 'owner_removed' || owner?.generation !== token.ownerGeneration) {
    throw conflict(
      'owner_removed',
      'The owner of this token was removed from the organization; it can never be activated again.',
    );
  }
}

function terminal(token: TokenDoc): Rejection {
  return conflict('token_revoked', `Token ${token.id} is revoked, and that is for ever.`);
}

function checkMutable(kind: KindPolicy, field: string): void {
  const mutable = field === 'expiresAt' ? kind.expiry.editable : kind.mutable.has(field as MutableField);
  if (!mutable)
    throw unacceptable('field_fixed', field, `${field} of a ${kind.name} token cannot be changed after creation.`);
}
