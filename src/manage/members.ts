/**
 * Members and teams of an organization. Removing a member ends their personal tokens for good (FEATBIT-8), even when
 * the same id joins again: every membership carries a generation of its own.
 */
import { memberKey, teamKey } from '../core/facts.ts';
import { randomText } from '../secret.ts';
import { forbidden, type Rights, requireAdministrator, requirePerson, requireRank } from './actor.ts';
import { checkId, enter, type ManageContext, type Put, reader } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { requireKnownScope } from './grants.ts';
import { lists } from './places.ts';
import type { DocReader, MemberDoc, TeamDoc } from './records.ts';
import { notFound, unacceptable } from './rejection.ts';

export interface MemberInput {
  readonly name: string;
  readonly email?: string | null;
  readonly role: string;
  readonly scopes?: readonly string[] | null;
  readonly actions?: readonly string[] | null;
}

export async function putMember(
  context: ManageContext,
  org: string,
  id: string,
  input: MemberInput,
): Promise<Drafted<Put<MemberDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (draft) => {
    const { organization, rights } = await enter(context, draft, org);
    requireAdministrator(rights, 'manage members');
    const before = await draft.get('member', memberKey(org, id));
    checkRights(context, rights, before, { scopes: null, actions: null, ...input });
    const item: MemberDoc = {
      organizationId: org,
      edition: organization.edition,
      id,
      generation: before?.generation ?? randomText(16),
      name: input.name,
      email: input.email ?? null,
      role: input.role,
      scopes: input.scopes ?? null,
      actions: input.actions ?? null,
      teams: before?.teams ?? [],
      assignments: before?.assignments ?? [],
      createdAtMs: before?.createdAtMs ?? context.nowMs(),
    };
    draft.put('member', item);
    return { created: before === null, item };
  });
}

export async function patchMember(
  context: ManageContext,
  org: string,
  id: string,
  patch: Partial<MemberInput>,
): Promise<Drafted<MemberDoc>> {
  return change(context, org, async (draft) => {
    const { rights } = await enter(context, draft, org);
    requireAdministrator(rights, 'manage members');
    const before = await requireMember(draft, org, id);
    checkRights(context, rights, before, patch);
    const item = { ...before, ...patch };
    draft.put('member', item);
    return item;
  });
}

export async function getMember(context: ManageContext, org: string, id: string): Promise<MemberDoc> {
  const { rights } = await enter(context, reader(context.store), org);
  if (rights.member?.id !== id) requireAdministrator(rights, 'read other members');
  return requireMember(reader(context.store), org, id);
}

/** What the removal of a member takes with it. */
export interface MemberCascade {
  /** Tokens that stop for good (FEATBIT-8). */
  readonly deactivatedTokens: readonly string[];
  /** Tokens of theirs that go on: service tokens do not depend on their creator (FEATBIT-5). */
  readonly keptTokens: readonly string[];
  readonly leftTeams: readonly string[];
  /** Workspaces that are left without an owner who is a member. */
  readonly ownedWorkspaces: readonly string[];
}

export async function deleteMember(
  context: ManageContext,
  org: string,
  id: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<Drafted<MemberCascade>> {
  const work = async (draft: Draft): Promise<MemberCascade> => {
    const { rights } = await enter(context, draft, org);
    requireAdministrator(rights, 'remove members');
    const member = await requireMember(draft, org, id);
    requireRank(rights, context.policy(), member.role);
    const deactivatedTokens: string[] = [];
    const keptTokens: string[] = [];
    for (const teamId of member.teams) {
      const team = await draft.get('team', teamKey(org, teamId));
      if (team !== null) draft.put('team', { ...team, members: team.members.filter((other) => other !== id) });
    }
    for (const { doc } of await draft.all('token', lists.tokensOwnedBy(org, id))) {
      if (doc.state === 'revoked') continue;
      if (doc.authority === 'live') draft.put('token', { ...doc, state: 'inactive', stateReason: 'owner_removed' });
      (doc.authority === 'live' ? deactivatedTokens : keptTokens).push(doc.id);
    }
    const owned = await draft.all('workspace', lists.workspacesOwnedBy(org, id));
    draft.delete(memberKey(org, id));
    return { deactivatedTokens, keptTokens, leftTeams: member.teams, ownedWorkspaces: owned.map(({ doc }) => doc.id) };
  };
  return change(context, org, work, options);
}

export async function requireMember(draft: DocReader, org: string, id: string): Promise<MemberDoc> {
  const member = await draft.get('member', memberKey(org, id));
  if (member === null) throw notFound('member', id);
  return member;
}

/** The member whom something is to belong to: 422 where a request names nobody, or nobody who is there. */
export async function requireOwner(draft: DocReader, org: string, id: string | undefined): Promise<MemberDoc> {
  if (id === undefined)
    throw unacceptable('owner_required', 'owner', 'owner is required: the member whom the token is for.');
  const owner = await draft.get('member', memberKey(org, id));
  if (owner === null) {
    throw unacceptable('owner_unknown', 'owner', `There is no member ${JSON.stringify(id)} in this organization.`);
  }
  return owner;
}

export async function putTeam(
  context: ManageContext,
  org: string,
  id: string,
  input: { readonly name: string; readonly members: readonly string[] },
): Promise<Drafted<Put<TeamDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (draft) => {
    const { rights } = await enter(context, draft, org);
    requireAdministrator(rights, 'manage teams');
    const before = await draft.get('team', teamKey(org, id));
    const members = [...new Set(input.members)];
    for (const memberId of members) {
      const member = await draft.get('member', memberKey(org, memberId));
      if (member === null)
        throw unacceptable(
          'member_unknown',
          'members',
          `There is no member ${JSON.stringify(memberId)} in this organization.`,
        );
      if (!member.teams.includes(id)) draft.put('member', { ...member, teams: [...member.teams, id] });
    }
    await leaveTeam(
      draft,
      org,
      id,
      (before?.members ?? []).filter((memberId) => !members.includes(memberId)),
    );
    const item = { organizationId: org, id, name: input.name, members, assignments: before?.assignments ?? [] };
    draft.put('team', item);
    return { created: before === null, item };
  });
}

export async function getTeam(context: ManageContext, org: string, id: string): Promise<TeamDoc> {
  const draft = reader(context.store);
  const { rights } = await enter(context, draft, org);
  requirePerson(rights, 'read teams');
  const team = await draft.get('team', teamKey(org, id));
  // In a crowd of strangers only those who are in it know of it.
  const hidden = rights.member?.edition === 'personal' && !rights.member.teams.includes(id);
  if (team === null || hidden) throw notFound('team', id);
  return team;
}

export async function deleteTeam(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    const { rights } = await enter(context, draft, org);
    requireAdministrator(rights, 'manage teams');
    const team = await draft.get('team', teamKey(org, id));
    if (team === null) throw notFound('team', id);
    await leaveTeam(draft, org, id, team.members);
    draft.delete(teamKey(org, id));
  });
}

async function leaveTeam(draft: Draft, org: string, id: string, leaving: readonly string[]): Promise<void> {
  for (const memberId of leaving) {
    const member = await draft.get('member', memberKey(org, memberId));
    if (member !== null) draft.put('member', { ...member, teams: member.teams.filter((team) => team !== id) });
  }
}

/** `before`: the member as they are, or null for a new one. */
function checkRights(
  context: ManageContext,
  rights: Rights,
  before: MemberDoc | null,
  input: Partial<MemberInput>,
): void {
  const { organizationRoles, actions } = context.policy();
  if (input.role !== undefined && !organizationRoles.has(input.role)) {
    throw unacceptable('role_unknown', 'role', `role must be one of: ${[...organizationRoles.keys()].join(', ')}.`);
  }
  for (const scope of input.scopes ?? []) requireKnownScope(context.policy(), scope);
  const strange = input.actions?.find((action) => !actions.has(action));
  if (strange !== undefined)
    throw unacceptable('action_unknown', 'actions', `The policy knows no action ${JSON.stringify(strange)}.`);
  if (before !== null) requireRank(rights, context.policy(), before.role);
  if (input.role !== undefined) requireRank(rights, context.policy(), input.role);
  const changes = (['role', 'scopes', 'actions'] as const).some(
    (field) => input[field] !== undefined && JSON.stringify(input[field]) !== JSON.stringify(before?.[field]),
  );
  if (rights.member !== null && rights.member.id === before?.id && changes)
    throw forbidden('Nobody changes their own role, scopes or actions.');
}
