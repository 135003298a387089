/**
 * What a new token may be granted: scopes within its owner's, and the workspaces that the policy lets this owner
 * select (COZE-PAT-13..15, COZE-SAT-18/19). Judged for the owner at this moment; later changes are the decision's.
 */
import { tokensFrom } from '../../core/decide.ts';
import {
  type AllGrant,
  memberKey,
  type Reference,
  type Role,
  type WorkspaceGrant,
  workspaceKey,
} from '../../core/facts.ts';
import type { KindPolicy, Policy, SelectableRule } from '../../core/policy.ts';
import { covers, MANAGE, type ScopeSet } from '../../core/scope.ts';
import { type Actor, forbidden, joinedRole, mayManage, roleOf } from '../actor.ts';
import { unacceptable } from '../rejection.ts';
import { lists } from '../unit-of-work/places.ts';
import type { MemberDoc, TokenDoc, WorkspaceDoc } from '../unit-of-work/records.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { withinAddresses } from './addresses.ts';
import { withinEnvironments } from './environments.ts';
import { takeSnapshot } from './snapshots.ts';

const WIDTH: Readonly<Record<AllGrant, number>> = { 'all-owned': 0, 'all-joined': 1, 'all-organization': 2 };

export function checkScopes(
  policy: Policy,
  kind: KindPolicy,
  owner: MemberDoc,
  scopes: readonly string[] | undefined,
): readonly string[] | null {
  if (scopes === undefined ? kind.scopesRequired : scopes.length === 0)
    throw unacceptable('scopes_required', 'scopes', `A ${kind.name} token needs scopes.`);
  if (scopes === undefined) return null;
  const held = scopesOfOwner(policy, owner);
  for (const scope of scopes) {
    if (scope === MANAGE) requireLive(kind);
    else requireKnownScope(policy, scope);
    if (scope === MANAGE ? !mayManage(owner, policy) : !covers(held, scope))
      throw unacceptable(
        'scope_exceeds_owner',
        'scopes',
        `${owner.id} does not have ${scope}; a token never exceeds its owner.`,
      );
  }
  return [...new Set(scopes)];
}

/** Their own, which replace their role's. */
export function scopesOfOwner(policy: Policy, { scopes, role }: MemberDoc): ScopeSet {
  return scopes === null ? (policy.organizationRoles.get(role)?.scopes ?? new Set()) : new Set(scopes);
}

/** What manages for its owner follows them. */
function requireLive(kind: KindPolicy): void {
  if (kind.authority === 'live') return;
  const detail = `${MANAGE} is for tokens that follow their owner, and a ${kind.name} token does not.`;
  throw unacceptable('scope_unknown', 'scopes', detail);
}

export function requireKnownScope(policy: Policy, scope: string): void {
  if (!policy.scopes.has(scope))
    throw unacceptable('scope_unknown', 'scopes', `The policy knows no scope ${JSON.stringify(scope)}.`);
}

export interface Granted {
  readonly workspaces: WorkspaceGrant;
  /** The owner's role in each listed workspace now: what a frozen token keeps. */
  readonly roles: ReadonlyArray<readonly [string, Role]>;
  /** The same of an all-grant. */
  readonly snapshotId: string | null;
}

export async function checkWorkspaces(
  unit: UnitOfWork,
  policy: Policy,
  kind: KindPolicy,
  owner: MemberDoc,
  asked: readonly string[] | AllGrant | 'all' | undefined,
): Promise<Granted> {
  const rule = ruleFor(kind, owner);
  if (rule === undefined)
    throw unacceptable(
      'workspaces_not_selectable',
      'workspaces',
      `${owner.id} may not select workspaces for a ${kind.name} token.`,
    );
  if (asked === undefined && kind.workspacesRequired) {
    throw unacceptable(
      'workspaces_required',
      'workspaces',
      `A ${kind.name} token needs workspaces: ids, or ${rule.all ?? 'nothing else'}.`,
    );
  }
  if (asked === undefined || typeof asked === 'string') {
    const workspaces = checkAll(rule, asked ?? 'all', owner, kind);
    const snapshotId = kind.authority === 'frozen' ? await takeSnapshot(unit, policy, kind, owner) : null;
    return { workspaces, roles: [], snapshotId };
  }
  return checkListed(unit, policy, kind, owner, rule, [...new Set(asked)]);
}

/** Workspaces that are named one by one. */
async function checkListed(
  unit: UnitOfWork,
  policy: Policy,
  kind: KindPolicy,
  owner: MemberDoc,
  rule: SelectableRule,
  ids: readonly string[],
): Promise<Granted> {
  if (rule.listed === 'none')
    throw unacceptable('workspaces_not_selectable', 'workspaces', 'Single workspaces cannot be selected here.');
  if (ids.length === 0 || ids.length > rule.listedMax) {
    const count = rule.listedMax === 1 ? 'exactly one workspace' : `1 to ${rule.listedMax} workspaces`;
    throw unacceptable(
      'workspaces_count',
      'workspaces',
      `A ${kind.name} token of ${owner.id} lists ${count}${rule.all === null ? '' : `, or ${rule.all}`}.`,
    );
  }
  const roles: Array<readonly [string, Role]> = [];
  const granted: Reference[] = [];
  for (const id of ids) {
    const workspace = await unit.get('workspace', workspaceKey(owner.organizationId, id));
    // In a crowd of strangers nobody learns which workspaces there are.
    if (workspace === null && owner.edition !== 'personal')
      throw unacceptable(
        'workspace_unknown',
        'workspaces',
        `There is no workspace ${JSON.stringify(id)} in this organization.`,
      );
    const role = workspace === null ? NO_ROLE : await roleOf(unit, policy, owner, workspace);
    const isOwned = workspace?.ownerId === owner.id && workspace?.ownerGeneration === owner.generation;
    const selectable = rule.listed === 'owned' ? isOwned : rule.listed === 'organization' || role.joined !== null;
    if (!selectable || workspace === null) {
      const kindOf = rule.listed === 'owned' ? 'own' : 'created or joined';
      throw unacceptable(
        'workspace_not_selectable',
        'workspaces',
        `${owner.id} may select only workspaces that they ${kindOf}; ${id} is not one.`,
      );
    }
    const best = role.byOrganization === 'admin' ? 'admin' : (role.joined ?? role.byOrganization);
    if (best !== null) roles.push([id, best]);
    granted.push([id, workspace.generation]);
  }
  return { workspaces: granted, roles, snapshotId: null };
}

function checkAll(rule: SelectableRule, asked: AllGrant | 'all', owner: MemberDoc, kind: KindPolicy): AllGrant {
  if (rule.all === null)
    throw unacceptable(
      'workspaces_not_selectable',
      'workspaces',
      `${owner.id} must list the workspaces of a ${kind.name} token.`,
    );
  const resolved = asked === 'all' ? rule.all : asked;
  if (WIDTH[resolved] > WIDTH[rule.all]) {
    throw unacceptable(
      'workspaces_too_wide',
      'workspaces',
      `The widest grant that ${owner.id} may give a ${kind.name} token is ${rule.all}.`,
    );
  }
  return resolved;
}

/** In edition personal, a crowd of strangers, only a workspace's owner makes tokens for it, whatever the rule says. */
export function ruleFor(kind: KindPolicy, owner: MemberDoc): SelectableRule | undefined {
  const rule = kind.selectable.find((candidate) => fits(candidate, owner));
  if (rule === undefined || owner.edition !== 'personal') return rule;
  return { ...rule, listed: rule.listed === 'none' ? 'none' : 'owned', all: rule.all === null ? null : 'all-owned' };
}

function fits(rule: SelectableRule, owner: MemberDoc): boolean {
  return (
    (rule.editions === null || rule.editions.has(owner.edition)) && (rule.roles === null || rule.roles.has(owner.role))
  );
}

const NO_ROLE = { joined: null, byOrganization: null };

/** A token that manages tokens makes and keeps them within its own scopes, workspaces, addresses and expiry (contract 6). */
export async function requireWithin(unit: UnitOfWork, actor: Actor, token: TokenDoc): Promise<void> {
  if (actor.kind !== 'token') return;
  const own = actor.token;
  const scopes = own.scopes === null ? 'all' : new Set(own.scopes);
  if (token.scopes === null ? own.scopes !== null : token.scopes.some((scope) => !covers(scopes, scope))) {
    throw forbidden('A token never manages one beyond its own scopes.');
  }
  if (!withinWorkspaces(own.workspaces, token.workspaces) || (await reachesMore(unit, own, token)))
    throw forbidden('A token never manages one beyond its own workspaces.');
  if (!withinEnvironments(own.environments, token.environments))
    throw forbidden('A token never manages one beyond its own environments.');
  if (!withinAddresses(own.allowedAddresses, token.allowedAddresses))
    throw forbidden('A token never manages one beyond its own addresses.');
  const ends = own.expiresAtMs ?? Number.POSITIVE_INFINITY;
  if ((token.expiresAtMs ?? Number.POSITIVE_INFINITY) > ends)
    throw forbidden('A token never manages one that outlives it.');
}

/**
 * A rule does not reach what was handed over after it was granted (COZE-SAT-25, COZE-PAT-7, COZE-PAT-18), and a younger one
 * does: that is more.
 */
async function reachesMore(unit: UnitOfWork, own: TokenDoc, token: TokenDoc): Promise<boolean> {
  if (typeof own.workspaces !== 'string') return false;
  for (const { doc } of await unit.all('workspace', lists.transferred(own.organizationId)))
    if (isLost(own, doc) && !isLost(token, doc) && (await isMeant(unit, token, doc))) return true;
  return false;
}

function isLost({ workspaces, generation, kind }: TokenDoc, workspace: WorkspaceDoc): boolean {
  const byRule = workspaces === 'all-owned' && generation < workspace.transferredIn!;
  return byRule || generation < tokensFrom(workspace, kind);
}

async function isMeant(unit: UnitOfWork, token: TokenDoc, workspace: WorkspaceDoc): Promise<boolean> {
  const { workspaces, organizationId, ownerId, ownerGeneration } = token;
  if (workspaces === 'all-organization') return true;
  if (typeof workspaces !== 'string')
    return workspaces.some(([id, generation]) => id === workspace.id && generation === workspace.generation);
  if (workspace.ownerId === ownerId && workspace.ownerGeneration === ownerGeneration) return true;
  const owner = workspaces === 'all-joined' ? await unit.get('member', memberKey(organizationId, ownerId!)) : null;
  return owner !== null && (await joinedRole(unit, owner, workspace)) !== null;
}

function withinWorkspaces(own: WorkspaceGrant, asked: WorkspaceGrant): boolean {
  if (typeof own !== 'string') {
    const reach = new Map(own);
    return typeof asked !== 'string' && asked.every(([id, generation]) => reach.get(id) === generation);
  }
  // Both rules are about the same owner; listed ids were checked against what that owner may select.
  return typeof asked === 'string' ? WIDTH[asked] <= WIDTH[own] : own === 'all-organization';
}
