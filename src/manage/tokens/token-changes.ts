/** Tokens that exist: edited, switched, replaced and ended. Revoked and deleted are for ever. */
import { type AllGrant, credentialKey, memberKey, type Reference, type TokenHash, tokenKey } from '../../core/facts.ts';
import type { KindPolicy, MutableField, Policy } from '../../core/policy.ts';
import { covers } from '../../core/scope.ts';
import { mintToken } from '../../secret.ts';
import { forbidden, maySeeTokenOf, type Rights, requireKind, requireSelf } from '../actor.ts';
import { enter, type ManageContext } from '../context.ts';
import { permitted } from '../permitted.ts';
import { conflict, notFound, type Rejection, unacceptable } from '../rejection.ts';
import type { MemberDoc, TokenDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireDescription, requireName } from '../written-text.ts';
import { readAddresses } from './addresses.ts';
import { checkEnvironments } from './environments.ts';
import { newExpiry } from './expiry.ts';
import { fewerOfAll, fewerOfListed } from './fewer-workspaces.ts';
import { checkScopes, checkWorkspaces, requireKnownScope, requireWithin } from './grants.ts';
import { checkLimits } from './limits.ts';
import { type ContactsInput, readContacts } from './metadata.ts';
import { releaseSnapshot } from './snapshots.ts';
import { stateShown } from './token-state.ts';
import { type CreatedToken, requireToken } from './tokens.ts';

export interface TokenPatch {
  readonly name?: string;
  readonly description?: string | null;
  readonly contacts?: ContactsInput | null;
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[] | AllGrant | 'all';
  readonly environments?: readonly string[] | null;
  readonly expiresAt?: string | null;
  readonly allowedAddresses?: readonly string[] | null;
}

export async function patchToken(
  context: ManageContext,
  org: string,
  id: string,
  patch: TokenPatch,
): Promise<WorkResult<TokenDoc>> {
  return change(context, org, async (unit) => {
    const { before, rights } = await open(context, unit, org, id);
    const policy = context.policy();
    const kind = kindOf(context, before);
    const found = await ownerStillThere(unit, before);
    const where = kind.authority === 'live' ? 'somewhere' : 'everywhere';
    const owner = found === null ? null : await permitted(unit, policy, found, where);
    requireEditor(rights, policy, before, kind, owner);
    if (before.state === 'revoked') throw terminal(before);
    for (const field of Object.keys(patch)) checkMutable(kind, field);
    if (patch.name !== undefined) requireName(patch.name);
    if (typeof patch.description === 'string') requireDescription(patch.description);
    let after: TokenDoc = { ...before };
    if (patch.name !== undefined) after = { ...after, name: patch.name };
    if (patch.description !== undefined) after = { ...after, description: patch.description };
    if (patch.contacts !== undefined)
      after = { ...after, contacts: await readContacts(unit, org, kind, patch.contacts, before.contacts) };
    if (patch.scopes !== undefined)
      after = { ...after, scopes: newScopes(policy, rights, kind, before, owner, patch.scopes) };
    if (patch.workspaces !== undefined)
      after = { ...after, ...(await newWorkspaces(unit, policy, rights, kind, before, owner, patch.workspaces)) };
    if (patch.environments !== undefined)
      after = { ...after, environments: await newEnvironments(unit, rights, kind, after, owner, patch.environments) };
    if (patch.expiresAt !== undefined)
      after = { ...after, expiresAtMs: newExpiry(kind, before, patch.expiresAt, context.nowMs()) };
    if (patch.allowedAddresses !== undefined)
      after = { ...after, allowedAddresses: readAddresses(patch.allowedAddresses) };
    await requireWithin(unit, rights.actor, after);
    // An expired token that lives again counts again.
    if (patch.expiresAt !== undefined) await checkLimits(unit, kind, after, context.nowMs());
    unit.put('token', after);
    return after;
  });
}

/** The member whom it was made for; null: they have gone, whoever bears the id now. */
async function ownerStillThere(unit: UnitOfWork, token: TokenDoc): Promise<MemberDoc | null> {
  const owner = await unit.get('member', memberKey(token.organizationId, token.ownerId!));
  return owner?.generation === token.ownerGeneration ? owner : null;
}

/**
 * Its owner. A frozen token belongs to the organization, so every administrator may, too, and so it is with what somebody
 * left behind; but only an owner gives a token more than it has.
 */
function requireEditor(
  rights: Rights,
  policy: Policy,
  token: TokenDoc,
  kind: KindPolicy,
  owner: MemberDoc | null,
): void {
  if (actsAsAdministrator(rights) && (token.authority === 'frozen' || owner === null)) return;
  requireSelf(rights, ownerOfToken(token), 'edit');
  requireKind(rights, kind, policy);
}

/** Fewer of them are nobody's to allow, whether the owner is still there or not: none at all is an edit, too (IMPACT-8). */
function newScopes(
  policy: Policy,
  rights: Rights,
  kind: KindPolicy,
  before: TokenDoc,
  owner: MemberDoc | null,
  asked: readonly string[],
): readonly string[] | null {
  const held = new Set(before.scopes);
  if (asked.every((scope) => covers(held, scope))) {
    for (const scope of asked) if (!held.has(scope)) requireKnownScope(policy, scope);
    return [...new Set(asked)];
  }
  return checkScopes(policy, kind, requireGiver(rights, before, owner), asked);
}

/** The same of workspaces. Fewer of those that were granted are of the change that granted them. */
async function newWorkspaces(
  unit: UnitOfWork,
  policy: Policy,
  rights: Rights,
  kind: KindPolicy,
  before: TokenDoc,
  owner: MemberDoc | null,
  asked: NonNullable<TokenPatch['workspaces']>,
): Promise<Partial<TokenDoc>> {
  if (typeof asked !== 'string') {
    // Its owner takes the roles that they have by now.
    const isOwners = rights.member !== null && owner !== null && rights.member.id === owner.id;
    const fewer = fewerOfListed(before, asked) ?? (isOwners ? null : await fewerOfAll(unit, policy, before, asked));
    if (fewer !== null) return fewer;
  }
  const giver = requireGiver(rights, before, owner);
  if (before.snapshotId) await releaseSnapshot(unit, before.organizationId, before.snapshotId, before);
  const granted = await checkWorkspaces(unit, policy, kind, giver, asked);
  return { ...granted, generation: unit.generation };
}

/** The same of environments. `token`: with the workspaces that it has then. */
async function newEnvironments(
  unit: UnitOfWork,
  rights: Rights,
  kind: KindPolicy,
  token: TokenDoc,
  owner: MemberDoc | null,
  asked: readonly string[] | null,
): Promise<readonly Reference[] | null> {
  const held = token.environments ?? null;
  if (held !== null && asked !== null && asked.length > 0) {
    const kept = held.filter(([id]) => asked.includes(id));
    if (kept.length === new Set(asked).size) return kept;
  }
  return checkEnvironments(unit, kind, requireGiver(rights, token, owner), token.workspaces, asked);
}

/** Whoever gives a token more: its owner, within their rights; not within those of whoever bears the id now. */
function requireGiver(rights: Rights, token: TokenDoc, owner: MemberDoc | null): MemberDoc {
  if (owner === null) throw ownerRemoved('no longer be granted anything');
  requireSelf(rights, ownerOfToken(token), 'give more to');
  return owner;
}

export interface RotatedToken extends CreatedToken {
  readonly values: ReadonlyArray<{
    /** `earlier`: replaced before, and still in its grace when this rotation ended it. */
    readonly value: 'current' | 'replaced' | 'earlier';
    readonly hint: string | null;
    /** null: until somebody ends it. */
    readonly worksUntilMs: number | null;
  }>;
}

export type StateChange = 'activate' | 'deactivate' | 'revoke';

export async function changeTokenState(
  context: ManageContext,
  org: string,
  id: string,
  asked: StateChange,
): Promise<WorkResult<TokenDoc>> {
  const work = async (unit: UnitOfWork) => {
    const { before, rights } = await open(context, unit, org, id);
    requireMayEnd(context, rights, before, asked);
    if (before.state === 'revoked' && asked !== 'revoke') throw terminal(before);
    if (asked === 'activate') {
      if (!actsAsAdministrator(rights)) requireSelf(rights, ownerOfToken(before), 'activate');
      await requireWithin(unit, rights.actor, before);
      await checkOwnerStillThere(unit, before);
      await checkLimits(unit, kindOf(context, before), before, context.nowMs());
    }
    const after: TokenDoc =
      asked === 'revoke'
        ? { ...before, state: 'revoked', stateReason: before.state === 'revoked' ? before.stateReason : null }
        : asked === 'activate'
          ? { ...before, state: 'active', stateReason: null }
          : { ...before, state: 'inactive', stateReason: before.state === 'inactive' ? before.stateReason : null };
    unit.put('token', after);
    return after;
  };
  return change(context, org, work, { ends: asked !== 'activate' });
}

/** Works in every state. The value is unknown from the next request on. */
export async function deleteToken(context: ManageContext, org: string, id: string): Promise<WorkResult<void>> {
  const work = async (unit: UnitOfWork) => {
    const { before, rights } = await open(context, unit, org, id);
    requireMayEnd(context, rights, before, 'delete');
    unit.delete(tokenKey(org, id));
    if (before.snapshotId) await releaseSnapshot(unit, org, before.snapshotId, before);
    await dropValue(unit, before.hash);
    if (before.replaced !== null) await dropValue(unit, before.replaced.hash);
  };
  return change(context, org, work, { ends: true });
}

/**
 * A value that its token no longer has is dead without this. What was imported can be imported again by whoever has the
 * list, so it is remembered for ever.
 */
export async function dropValue(unit: UnitOfWork, hash: TokenHash): Promise<void> {
  const credential = await unit.get('credential', credentialKey(hash));
  if (credential !== null && credential.imported !== true) unit.delete(credentialKey(hash));
}

/**
 * A new value for the same token; shown once. The old one ends at once, or after the grace that the policy allows, never
 * past the token's own expiry. Values that were still in an earlier grace end now.
 */
export async function rotateToken(
  context: ManageContext,
  org: string,
  id: string,
  graceSeconds: number,
): Promise<WorkResult<RotatedToken>> {
  return change(context, org, async (unit) => {
    const { before, rights } = await open(context, unit, org, id);
    const kind = kindOf(context, before);
    requireSelf(rights, ownerOfToken(before), 'rotate');
    requireKind(rights, kind, context.policy());
    await requireWithin(unit, rights.actor, before);
    if (kind.rotation === null)
      throw unacceptable('rotation_not_allowed', 'kind', `A ${kind.name} token cannot be rotated; create a new one.`);
    const { maxGraceMs } = kind.rotation;
    if (graceSeconds * 1000 > maxGraceMs) {
      throw unacceptable(
        'grace_out_of_range',
        'graceSeconds',
        `graceSeconds must be 0 to ${maxGraceMs / 1000} for a ${kind.name} token.`,
      );
    }
    if (before.state === 'revoked') throw terminal(before);
    const nowMs = context.nowMs();
    if (stateShown(before, nowMs) === 'expired')
      throw conflict('token_expired', `Token ${id} has expired; there is nothing to replace.`);
    if (before.replaced !== null) await dropValue(unit, before.replaced.hash);
    const endsAtMs = Math.min(nowMs + graceSeconds * 1000, before.expiresAtMs ?? Number.POSITIVE_INFINITY);
    if (graceSeconds === 0) await dropValue(unit, before.hash);
    const token = mintToken(kind.prefix);
    const hash = token.hash();
    const replaced = graceSeconds === 0 ? null : { hash: before.hash, endsAtMs };
    const doc = { ...before, hash, replaced, hint: token.hint(kind.prefix) };
    unit.expectAbsent(credentialKey(hash));
    unit.put('credential', { organizationId: org, tokenId: id }, { hash });
    unit.put('token', doc);
    return { doc, token: token.reveal(), values: valuesAfter(before, doc, nowMs) };
  });
}

/** What works until when, after a rotation: one value may be in its grace, an earlier one ends with this. */
function valuesAfter(before: TokenDoc, after: TokenDoc, nowMs: number): RotatedToken['values'] {
  const inGrace = before.replaced !== null && nowMs < before.replaced.endsAtMs;
  return [
    { value: 'current', hint: after.hint, worksUntilMs: after.expiresAtMs },
    { value: 'replaced', hint: before.hint, worksUntilMs: after.replaced?.endsAtMs ?? nowMs },
    ...(inGrace ? [{ value: 'earlier' as const, hint: null, worksUntilMs: nowMs }] : []),
  ];
}

async function open(
  context: ManageContext,
  unit: UnitOfWork,
  org: string,
  id: string,
): Promise<{ readonly before: TokenDoc; readonly rights: Rights }> {
  const { rights } = await enter(context, unit, org);
  const before = await requireToken(unit, org, id);
  if (!maySeeTokenOf(rights, context.policy(), before.ownerId)) throw notFound('token', id);
  return { before, rights };
}

/**
 * Owners with the right to the kind; administrators any token (FEATBIT-2). A managing token: all of its owner's. Who
 * lost the right no longer manages their tokens (FEATBIT-20), but may still put out of use for ever what leaked.
 */
function requireMayEnd(context: ManageContext, rights: Rights, token: TokenDoc, asked: StateChange | 'delete'): void {
  if (actsAsAdministrator(rights)) return;
  if (rights.member?.id !== token.ownerId)
    throw forbidden('Only its owner and administrators of the organization may do this to a token.');
  if (asked === 'revoke' && rights.actor.kind === 'member') return;
  requireKind(rights, kindOf(context, token), context.policy());
}

/** The operator, or an administrator in person: a managing token has no more than its owner's own tokens. */
function actsAsAdministrator(rights: Rights): boolean {
  return rights.member === null || (rights.administrator && rights.actor.kind === 'member');
}

function ownerOfToken(token: TokenDoc) {
  return { id: token.ownerId, generation: token.ownerGeneration };
}

function kindOf(context: ManageContext, token: TokenDoc): KindPolicy {
  const kind = context.policy().kinds.get(token.kind);
  if (kind === undefined)
    throw conflict('kind_unknown', `The policy in force does not manage tokens of the kind ${token.kind}.`);
  return kind;
}

/** A token whose owner was removed can never be activated again, even when the id returns (contract 5). */
async function checkOwnerStillThere(unit: UnitOfWork, token: TokenDoc): Promise<void> {
  if (token.authority !== 'live') return;
  if (token.stateReason === 'owner_removed' || (await ownerStillThere(unit, token)) === null) {
    throw ownerRemoved('never be activated again');
  }
}

function ownerRemoved(what: string): Rejection {
  return conflict('owner_removed', `The owner of this token was removed from the organization; it can ${what}.`);
}

function terminal(token: TokenDoc): Rejection {
  return conflict('token_revoked', `Token ${token.id} is revoked, and that is for ever.`);
}

function checkMutable(kind: KindPolicy, field: string): void {
  const mutable = field === 'expiresAt' ? kind.expiry.editable : kind.mutable.has(field as MutableField);
  if (!mutable)
    throw unacceptable('field_fixed', field, `${field} of a ${kind.name} token cannot be changed after creation.`);
}
