/**
 * A token that is about to be: what the policy lets this owner be given, whoever gives it and wherever its value is from.
 * Writes nothing.
 */
import type { AllGrant, TokenHash } from '../../core/facts.ts';
import type { KindPolicy, Policy } from '../../core/policy.ts';
import { requireHolder, requireKind, requireSelf } from '../actor.ts';
import { enter, type ManageContext } from '../context.ts';
import { requireOwner } from '../organization/members.ts';
import { permitted } from '../permitted.ts';
import { unacceptable } from '../rejection.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { requireDescription, requireName } from '../written-text.ts';
import { readAddresses } from './addresses.ts';
import { checkEnvironments } from './environments.ts';
import { type ExpiryInput, readExpiry } from './expiry.ts';
import { checkScopes, checkWorkspaces, requireWithin } from './grants.ts';
import { checkLimits } from './limits.ts';
import { type ContactsInput, readApiVersion, readContacts } from './metadata.ts';
import { newTokenId } from './token-id.ts';

export interface TokenInput extends ExpiryInput {
  readonly kind?: string;
  readonly name: string;
  readonly description?: string | null;
  readonly owner?: string;
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[] | AllGrant | 'all';
  /** null, or absent: every one. */
  readonly environments?: readonly string[] | null;
  readonly apiVersion?: string;
  readonly contacts?: ContactsInput | null;
  /** Addresses and networks that it may be used from; null: anywhere. */
  readonly allowedAddresses?: readonly string[] | null;
}

/** What is known of a token's text. */
export interface TokenValue {
  readonly hash: TokenHash;
  readonly hint: string | null;
}

/** Throws Rejection. `createdBeforeMs`: it is not new, only new here. `valueFor` is asked once everything but the limits has been granted. */
export async function newToken(
  context: ManageContext,
  unit: UnitOfWork,
  org: string,
  input: TokenInput,
  valueFor: (kind: KindPolicy) => TokenValue,
  createdBeforeMs: number | null = null,
): Promise<TokenDoc> {
  const { organization, rights } = await enter(context, unit, org);
  const policy = context.policy();
  const kind = kindNamed(policy, input.kind);
  const found = await requireOwner(unit, org, input.owner ?? rights.member?.id);
  const owner = await permitted(unit, policy, found, kind.authority === 'live' ? 'somewhere' : 'everywhere');
  requireSelf(rights, owner, 'create');
  requireKind(rights, kind, policy);
  requireHolder(owner, kind, policy);
  requireName(input.name);
  if (typeof input.description === 'string') requireDescription(input.description);
  const scopes = checkScopes(policy, kind, owner, input.scopes);
  const granted = await checkWorkspaces(unit, policy, kind, owner, input.workspaces);
  const environments = await checkEnvironments(unit, kind, owner, granted.workspaces, input.environments);
  const nowMs = context.nowMs();
  const createdAtMs = createdBeforeMs ?? nowMs;
  const expiresAtMs = readExpiry(kind, input, nowMs, createdAtMs);
  const { hash, hint } = valueFor(kind);
  const doc: TokenDoc = {
    organizationId: org,
    edition: organization.edition,
    id: newTokenId(nowMs),
    generation: unit.generation,
    kind: kind.name,
    authority: kind.authority,
    ownerId: owner.id,
    ownerGeneration: owner.generation,
    clientId: null,
    scopes,
    ...granted,
    ...(environments === null ? {} : { environments }),
    state: 'active',
    stateReason: null,
    expiresAtMs,
    allowedAddresses: readAddresses(input.allowedAddresses),
    name: input.name,
    description: input.description ?? null,
    createdBy: rights.member?.id ?? null,
    createdAtMs,
    hint,
    hash,
    replaced: null,
    apiVersion: readApiVersion(policy, input.apiVersion),
    contacts: await readContacts(unit, org, kind, input.contacts),
  };
  await requireWithin(unit, rights.actor, doc);
  await checkLimits(unit, kind, doc, nowMs);
  return doc;
}

/** Absent: the policy's default. */
export function kindNamed(policy: Policy, name: string | undefined): KindPolicy {
  const kind = policy.kinds.get(name ?? policy.defaultKind);
  if (kind !== undefined) return kind;
  throw unacceptable('kind_unknown', 'kind', `kind must be one of: ${[...policy.kinds.keys()].join(', ')}.`);
}
