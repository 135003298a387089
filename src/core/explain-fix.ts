/**
 * The least that would let an explained request through: changes to the token, or to what its owner may do. Pure. null:
 * nothing that could be said in a few commands. What management then refuses (whom a workspace may be given to, how many
 * tokens there may be) is for its rules to say.
 */
import type { CheckName, CheckReport, Explanation } from './explain.ts';
import type { Role, TokenFacts } from './facts.ts';
import type { KindPolicy, MutableField } from './policy.ts';
import type { Requirement } from './requirement.ts';
import { acceptedScopes, type ScopeSet } from './scope.ts';

/** Of the token that there is, or of a new one like it. */
export interface TokenGrant {
  readonly scopes?: readonly string[];
  readonly workspaces?: readonly string[];
  readonly environments?: readonly string[];
  readonly allowedAddresses?: readonly string[];
}

export type FixStep =
  | { readonly kind: 'activate' }
  | { readonly kind: 'edit'; readonly grant: TokenGrant }
  | { readonly kind: 'replace'; readonly grant: TokenGrant }
  | {
      readonly kind: 'assign';
      readonly workspace: string;
      readonly to: 'members' | 'service-accounts';
      readonly id: string;
      readonly role: Role;
    }
  | {
      readonly kind: 'collaborate';
      readonly workspace: string;
      readonly type: string;
      readonly id: string;
      readonly owner: string;
      readonly collaborators: readonly string[];
    };

interface Drafted {
  readonly steps: FixStep[];
  grant: TokenGrant;
  /** What it is granted cannot be changed: it takes a new token. */
  isNew: boolean;
}

/** In the order in which they are to be made; none: it is allowed. `kind`: what the policy says of such tokens. */
export function fixOf(
  explained: Explanation,
  requirement: Requirement,
  kind: KindPolicy | undefined,
): readonly FixStep[] | null {
  const { token } = explained;
  const failing = explained.checks.filter(({ state }) => state === 'fails');
  if (failing.length === 0) return [];
  if (token === null || explained.checks.some(({ state }) => state === 'open')) return null;
  const drafted: Drafted = { steps: [], grant: {}, isNew: false };
  for (const check of failing) if (!mend(check, explained, token, requirement, kind, drafted)) return null;
  const { steps, grant, isNew } = drafted;
  const changed = Object.keys(grant).length > 0;
  if ((changed || isNew) && (kind === undefined || token.authority === 'client')) return null;
  if (isNew) return [...steps.filter((step) => step.kind !== 'activate'), { kind: 'replace', grant }];
  return changed ? [...steps, { kind: 'edit', grant }] : steps;
}

/** false: nothing of ours mends it. */
function mend(
  check: CheckReport,
  explained: Explanation,
  token: TokenFacts,
  requirement: Requirement,
  kind: KindPolicy | undefined,
  drafted: Drafted,
): boolean {
  const grant = (more: TokenGrant, field: MutableField) => {
    drafted.grant = { ...drafted.grant, ...more };
    drafted.isNew ||= kind?.mutable.has(field) !== true;
    return true;
  };
  switch (check.name satisfies CheckName) {
    case 'active':
      if (check.reason === 'owner_removed') return false;
      if (token.state === 'inactive' && token.stateReason === null && check.values.ended === null)
        drafted.steps.push({ kind: 'activate' });
      else drafted.isNew = true;
      return true;
    case 'unexpired':
      drafted.isNew = true;
      return true;
    case 'address': {
      const { address } = check.values;
      return typeof address === 'string' && grant({ allowedAddresses: [address] }, 'allowedAddresses');
    }
    case 'scopes': {
      // What a named policy denies, or allows elsewhere, is for whoever writes it.
      if (check.values.policiesAllow !== undefined) return false;
      const scopes = lackingScopes(requirement, token, check.values.ownerHas);
      return scopes !== null && grant({ scopes }, 'scopes');
    }
    case 'workspace':
      return mendWorkspace(explained, token, grant);
    case 'environment':
      return mendEnvironment(check, token, grant);
    case 'role':
      return mendRole(explained, token, requirement, drafted);
    case 'relation':
      return mendRelation(check, explained, drafted);
    default:
      return false;
  }
}

/** All that the token has to hold; null: its owner does not hold what is asked for, or it is nothing to be granted. */
function lackingScopes(
  { scopes }: Requirement,
  token: TokenFacts,
  ofOwner: CheckReport['values'][string] | undefined,
): readonly string[] | null {
  if (scopes === null || token.scopes === 'all') return null;
  const owner: ScopeSet = Array.isArray(ofOwner) ? new Set(ofOwner as string[]) : 'all';
  const held = token.scopes;
  const meets = (set: ScopeSet, named: string) =>
    set === 'all' || acceptedScopes(named).some((scope) => set.has(scope));
  const wanted = scopes.all ? scopes.named : scopes.named.filter((named) => meets(owner, named)).slice(0, 1);
  if (wanted.length === 0 || !wanted.every((named) => meets(owner, named))) return null;
  return [...held, ...wanted.filter((named) => !meets(held, named))];
}

function mendWorkspace(
  { workspace, checks }: Explanation,
  token: TokenFacts,
  grant: (more: TokenGrant, field: 'workspaces') => boolean,
): boolean {
  if (workspace === null) return false;
  // Whoever has joined it reaches it: the role that is missing too is the mending.
  if (token.workspaces === 'all-joined' && checks.some(({ name, state }) => name === 'role' && state === 'fails'))
    return true;
  const listed = typeof token.workspaces === 'string' ? [] : [...token.workspaces.keys()];
  return grant({ workspaces: [...listed.filter((id) => id !== workspace.id), workspace.id] }, 'workspaces');
}

/** Only where one is named; whether it is there is for the rules of granting to say. */
function mendEnvironment(
  { reason, values }: CheckReport,
  { environments }: TokenFacts,
  grant: (more: TokenGrant, field: 'environments') => boolean,
): boolean {
  const { selected } = values;
  if (reason !== 'environment_not_granted' || typeof selected !== 'string' || environments === null) return false;
  // Of an earlier environment of the same id, it has to be granted anew.
  const others = [...environments.keys()].filter((id) => id !== selected);
  return grant({ environments: [...others, selected] }, 'environments');
}

function mendRole({ workspace }: Explanation, token: TokenFacts, requirement: Requirement, drafted: Drafted): boolean {
  const role = requirement.workspace?.role;
  const id = token.ownerId ?? token.clientId;
  if (workspace === null || role === undefined || id === null) return false;
  // What it keeps from its creation is what its owner had then; with an all-grant it is never more than a member's.
  if (token.authority === 'frozen') {
    if (typeof token.workspaces === 'string') drafted.grant = { ...drafted.grant, workspaces: [workspace.id] };
    drafted.isNew = true;
  }
  const to = token.ownerId === null ? 'service-accounts' : 'members';
  drafted.steps.push({ kind: 'assign', workspace: workspace.id, to, id, role });
  return true;
}

function mendRelation({ values, reason }: CheckReport, { workspace }: Explanation, drafted: Drafted): boolean {
  if (reason !== 'not_a_collaborator') return false;
  const { needs, type, id, owner, subject, collaborators } = values;
  if (needs !== 'collaborator' || workspace === null || typeof owner !== 'string' || typeof subject !== 'string')
    return false;
  if (typeof type !== 'string' || typeof id !== 'string') return false;
  const others = (collaborators as readonly string[]).filter((other) => other !== subject);
  drafted.steps.push({
    kind: 'collaborate',
    workspace: workspace.id,
    type,
    id,
    owner,
    collaborators: [...others, subject],
  });
  return true;
}
