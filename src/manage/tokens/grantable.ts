/**
 * What a token of one kind may be granted by its owner: which scopes, and which workspaces. What newToken() would take, told
 * before anybody asks for it. Grants nothing.
 */
import { teamKey, workspaceKey } from '../../core/facts.ts';
import type { KindPolicy, Policy, SelectableRule } from '../../core/policy.ts';
import { covers, MANAGE } from '../../core/scope.ts';
import { mayManage, requireHolder, requireKind, requireSelf } from '../actor.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import { list } from '../listing.ts';
import { requireOwner } from '../organization/members.ts';
import { permitted } from '../permitted.ts';
import { lists } from '../unit-of-work/places.ts';
import type { MemberDoc, WorkspaceDoc } from '../unit-of-work/records.ts';
import { ruleFor, scopesOfOwner } from './grants.ts';
import { kindNamed } from './new-token.ts';

export interface Grantable {
  readonly owner: MemberDoc;
  readonly kind: KindPolicy;
  /** In the order of the policy, and the reserved one last. */
  readonly scopes: readonly string[];
  /** null: none may be selected. */
  readonly rule: SelectableRule | null;
  /** That may be listed, by name; the first of them where there are many. */
  readonly workspaces: readonly WorkspaceDoc[];
  readonly isCut: boolean;
}

/** Beyond so many nobody chooses by looking. */
const WORKSPACES_MAX = 500;

/** Rejects as newToken() would for that owner and kind. `part`: of the name or id of workspaces, in any case. */
export async function grantableTo(
  context: ManageContext,
  org: string,
  asked: {
    readonly owner?: string | undefined;
    readonly kind?: string | undefined;
    readonly part?: string | undefined;
  },
): Promise<Grantable> {
  const from = reader(context.store);
  const { rights } = await enter(context, from, org);
  const policy = context.policy();
  const kind = kindNamed(policy, asked.kind);
  const found = await requireOwner(from, org, asked.owner ?? rights.member?.id);
  requireSelf(rights, found, 'create');
  const owner = await permitted(from, policy, found, kind.authority === 'live' ? 'somewhere' : 'everywhere');
  requireKind(rights, kind, policy);
  requireHolder(owner, kind, policy);
  const rule = ruleFor(kind, owner) ?? null;
  const part = (asked.part ?? '').toLowerCase();
  const seen = rule === null || rule.listed === 'none' ? [] : await selectable(context, owner, rule.listed);
  const fitting = seen.filter(({ id, name }) => `${id}\n${name}`.toLowerCase().includes(part));
  return {
    ...{ owner, kind, rule, scopes: grantableScopes(policy, kind, owner) },
    workspaces: fitting.slice(0, WORKSPACES_MAX),
    isCut: fitting.length > WORKSPACES_MAX,
  };
}

function grantableScopes(policy: Policy, kind: KindPolicy, owner: MemberDoc): string[] {
  const held = scopesOfOwner(policy, owner);
  const scopes = [...policy.scopes.keys()].filter((scope) => covers(held, scope));
  return kind.authority === 'live' && mayManage(owner, policy) ? [...scopes, MANAGE] : scopes;
}

const ALL_MAX = 1000;

async function selectable(
  { store }: ManageContext,
  owner: MemberDoc,
  listed: 'owned' | 'joined' | 'organization',
): Promise<WorkspaceDoc[]> {
  const { organizationId: org, id, generation } = owner;
  const index = listed === 'organization' ? lists.workspaces(org) : lists.workspacesOwnedBy(org, id);
  const { items } = await list(store, 'workspace', index, { limit: ALL_MAX, cursor: null });
  const found = new Map(items.map((workspace) => [workspace.id, workspace]));
  if (listed !== 'organization')
    for (const { id: owned, ownerGeneration } of items) if (ownerGeneration !== generation) found.delete(owned);
  if (listed === 'joined') for (const joined of await assignedTo({ store }, owner)) found.set(joined.id, joined);
  return [...found.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** Directly, or by a team. */
async function assignedTo({ store }: Pick<ManageContext, 'store'>, owner: MemberDoc): Promise<WorkspaceDoc[]> {
  const { organizationId: org } = owner;
  const { get } = reader(store);
  const assigned = [...owner.assignments];
  for (const [id, generation] of owner.teams) {
    const team = await get('team', teamKey(org, id));
    if (team?.generation === generation) assigned.push(...team.assignments);
  }
  const found: WorkspaceDoc[] = [];
  for (const [id, , generation] of assigned.slice(0, ALL_MAX)) {
    const workspace = await get('workspace', workspaceKey(org, id));
    if (workspace?.generation === generation) found.push(workspace);
  }
  return found;
}
