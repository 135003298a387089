/**
 * Members and teams of an organization. Removing a member ends their personal tokens for good (FEATBIT-8), even when
 * the same id joins again: every membership carries a generation of its own.
 */
import { memberKey, teamKey } from '../core/facts.ts';
import { randomText } from '../secret.ts';
import { checkId, type ManageContext, type Put, reader, requireOrganization } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { lists, type MemberDoc, type TeamDoc } from './records.ts';
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
  return change(context.store, org, async (draft) => {
    const { edition } = await requireOrganization(draft, org);
    const before = await draft.get('member', memberKey(org, id));
    checkRights(context, input);
    const item: MemberDoc = {
      organizationId: org,
      edition,
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
  return change(context.store, org, async (draft) => {
    const before = await requireMember(draft, org, id);
    checkRights(context, patch);
    const item = { ...before, ...patch };
    draft.put('member', item);
    return item;
  });
}

export async function getMember(context: ManageContext, org: string, id: string): Promise<MemberDoc> {
  await requireOrganization(reader(context.store), org);
  return requireMember(reader(context.store), org, id);
}

export async function deleteMember(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireOrganization(draft, org);
    const member = await requireMember(draft, org, id);
    for (const teamId of member.teams) {
      const team = await draft.get('team', teamKey(org, teamId));
      if (team !== null) draft.put('team', { ...team, members: team.members.filter((other) => other !== id) });
    }
    for (const { doc } of await draft.all('token', lists.tokensOwnedBy(org, id))) {
      const ends = doc.authority === 'live' && doc.state !== 'revoked';
      if (ends) draft.put('token', { ...doc, state: 'inactive', stateReason: 'owner_removed' });
    }
    draft.delete(memberKey(org, id));
  });
}

export async function requireMember(draft: Pick<Draft, 'get'>, org: string, id: string): Promise<MemberDoc> {
  const member = await draft.get('member', memberKey(org, id));
  if (member === null) throw notFound('member', id);
  return member;
}

export async function putTeam(
  context: ManageContext,
  org: string,
  id: string,
  input: { readonly name: string; readonly members: readonly string[] },
): Promise<Drafted<Put<TeamDoc>>> {
  checkId(id, 'id');
  return change(context.store, org, async (draft) => {
    await requireOrganization(draft, org);
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
  await requireOrganization(draft, org);
  const team = await draft.get('team', teamKey(org, id));
  if (team === null) throw notFound('team', id);
  return team;
}

export async function deleteTeam(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireOrganization(draft, org);
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

function checkRights(context: ManageContext, input: Partial<MemberInput>): void {
  const { organizationRoles, scopes } = context.policy();
  if (input.role !== undefined && !organizationRoles.has(input.role)) {
    throw unacceptable('role_unknown', 'role', `role must be one of: ${[...organizationRoles.keys()].join(', ')}.`);
  }
  const unknown = input.scopes?.find((scope) => !scopes.has(scope));
  if (unknown !== undefined)
    throw unacceptable('scope_unknown', 'scopes', `The policy knows no scope ${JSON.stringify(unknown)}.`);
}
