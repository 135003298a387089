/**
 * Members and teams of an organization. Removing a member ends their personal tokens for good (FEATBIT-8), even when
 * the same id joins again: every membership carries a generation of its own.
 */
import { type Edition, memberKey, type Reference, teamKey, workspaceKey } from '../../core/facts.ts';
import { forbidden, type Rights, requireAdministrator, requirePerson, requireRank } from '../actor.ts';
import { actorView } from '../audit.ts';
import { checkId, enter, type ManageContext, type Put, reader } from '../context.ts';
import { requireMayGiveRoles, requireMayMake } from '../granting.ts';
import { everyOne } from '../listing.ts';
import { notFound, unacceptable } from '../rejection.ts';
import { requireKnownScope } from '../tokens/grants.ts';
import { cleanUpSoon, leaveCleanup } from '../unit-of-work/cleanup.ts';
import { lists } from '../unit-of-work/places.ts';
import type { DocReader, MemberDoc, TeamDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireEmail, requireName } from '../written-text.ts';
import { requireMayRegroup } from './iam-policies.ts';

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
): Promise<WorkResult<Put<MemberDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (unit) => {
    const { organization, rights } = await enter(context, unit, org);
    requireAdministrator(rights, 'manage members');
    const before = await unit.get('member', memberKey(org, id));
    checkInput(context, rights, before, { scopes: null, actions: null, ...input }, organization.edition);
    const item: MemberDoc = {
      organizationId: org,
      edition: organization.edition,
      id,
      generation: before?.generation ?? unit.generation,
      name: input.name,
      email: input.email ?? null,
      role: input.role,
      scopes: input.scopes ?? null,
      actions: input.actions ?? null,
      teams: before?.teams ?? [],
      ...(before?.policies === undefined ? {} : { policies: before.policies }),
      assignments: before?.assignments ?? [],
      createdAtMs: before?.createdAtMs ?? context.nowMs(),
    };
    if (before !== null && takesRights(context, before, item)) unit.ends();
    unit.put('member', item);
    return { created: before === null, item };
  });
}

export async function patchMember(
  context: ManageContext,
  org: string,
  id: string,
  patch: Partial<MemberInput>,
): Promise<WorkResult<MemberDoc>> {
  return change(context, org, async (unit) => {
    const { organization, rights } = await enter(context, unit, org);
    requireAdministrator(rights, 'manage members');
    const before = await requireMember(unit, org, id);
    checkInput(context, rights, before, patch, organization.edition);
    const item = { ...before, ...patch };
    if (takesRights(context, before, item)) unit.ends();
    unit.put('member', item);
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
  /** Tokens that are left without their primary contact (IMPACT-5). */
  readonly contactlessTokens: readonly string[];
  readonly leftTeams: readonly string[];
  /** Workspaces that are left without an owner who is a member. */
  readonly ownedWorkspaces: readonly string[];
}

/**
 * The end of the membership is the end of their personal tokens, however many: each names the membership that it was made
 * in. Their records follow, and so does the rest of the cascade that is told.
 */
export async function deleteMember(
  context: ManageContext,
  org: string,
  id: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<WorkResult<MemberCascade>> {
  const work = async (unit: UnitOfWork) => {
    const { rights } = await enter(context, unit, org);
    requireAdministrator(rights, 'remove members');
    const member = await requireMember(unit, org, id);
    requireRank(rights, context.policy(), member.role);
    for (const [teamId] of member.teams) {
      const team = await unit.get('team', teamKey(org, teamId));
      if (team !== null) unit.put('team', { ...team, members: team.members.filter((other) => other !== id) });
    }
    unit.delete(memberKey(org, id));
    return {
      member,
      job: leaveCleanup(unit, { organizationId: org, what: 'member', id, actor: actorView(context.actor) }),
    };
  };
  const { value, revision } = await change(context, org, work, { ...options, ends: true });
  const cascade = await cascadeOf(context, value.member);
  if (options.dryRun !== true) await cleanUpSoon(context, value.job);
  return { value: cascade, revision };
}

/** Of a member who is there, or was until a moment ago. */
async function cascadeOf({ store }: ManageContext, member: MemberDoc): Promise<MemberCascade> {
  const { organizationId: org, id, generation } = member;
  const deactivatedTokens: string[] = [];
  const keptTokens: string[] = [];
  for await (const doc of everyOne(store, 'token', lists.tokensOwnedBy(org, id))) {
    if (doc.ownerGeneration !== generation || doc.state === 'revoked') continue;
    (doc.authority === 'live' ? deactivatedTokens : keptTokens).push(doc.id);
  }
  const contactlessTokens: string[] = [];
  for await (const doc of everyOne(store, 'token', lists.tokensContacting(org, id))) {
    const { primaryGeneration = generation } = doc.contacts!;
    if (primaryGeneration === generation && doc.state !== 'revoked') contactlessTokens.push(doc.id);
  }
  const ownedWorkspaces: string[] = [];
  for await (const doc of everyOne(store, 'workspace', lists.workspacesOwnedBy(org, id)))
    if (doc.ownerGeneration === generation) ownedWorkspaces.push(doc.id);
  const leftTeams = member.teams.map(([team]) => team);
  return { deactivatedTokens, keptTokens, contactlessTokens, leftTeams, ownedWorkspaces };
}

async function requireMember(unit: DocReader, org: string, id: string): Promise<MemberDoc> {
  const member = await unit.get('member', memberKey(org, id));
  if (member === null) throw notFound('member', id);
  return member;
}

/** The member whom something is to belong to: 422 where a request names nobody, or nobody who is there. */
export async function requireOwner(unit: DocReader, org: string, id: string | undefined): Promise<MemberDoc> {
  if (id === undefined)
    throw unacceptable('owner_required', 'owner', 'owner is required: the member whom the token is for.');
  const owner = await unit.get('member', memberKey(org, id));
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
): Promise<WorkResult<Put<TeamDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (unit) => {
    const { rights } = await enter(context, unit, org);
    requireAdministrator(rights, 'manage teams');
    requireName(input.name);
    const before = await unit.get('team', teamKey(org, id));
    if (!input.members.every((memberId) => before?.members.includes(memberId)))
      await requireMayGiveRoles(unit, context.policy(), rights, org, before?.assignments ?? []);
    const generation = before?.generation ?? unit.generation;
    const members = [...new Set(input.members)];
    if (before !== null) {
      const changed = [...members, ...before.members].filter(
        (each) => members.includes(each) !== before.members.includes(each),
      );
      await requireMayRegroup(unit, context.policy(), rights, before, changed);
    }
    if (before !== null && isFewer(members, before.members)) unit.ends();
    for (const memberId of members) {
      const member = await unit.get('member', memberKey(org, memberId));
      if (member === null)
        throw unacceptable(
          'member_unknown',
          'members',
          `There is no member ${JSON.stringify(memberId)} in this organization.`,
        );
      if (!member.teams.some(([team, made]) => team === id && made === generation))
        unit.put('member', { ...member, teams: [...withoutTeam(member, id), [id, generation]] });
    }
    for (const memberId of before?.members ?? []) {
      const member = members.includes(memberId) ? null : await unit.get('member', memberKey(org, memberId));
      if (member !== null) unit.put('member', { ...member, teams: withoutTeam(member, id) });
    }
    const item = {
      organizationId: org,
      id,
      generation,
      name: input.name,
      members,
      ...(before?.policies === undefined ? {} : { policies: before.policies }),
      assignments: before?.assignments ?? [],
    };
    unit.put('team', item);
    return { created: before === null, item };
  });
}

function withoutTeam(member: MemberDoc, id: string): Reference[] {
  return member.teams.filter(([team]) => team !== id);
}

export async function getTeam(context: ManageContext, org: string, id: string): Promise<TeamDoc> {
  const unit = reader(context.store);
  const { rights } = await enter(context, unit, org);
  requirePerson(rights, 'read teams');
  const team = await unit.get('team', teamKey(org, id));
  // In a crowd of strangers only those who are in it know of it.
  const hidden = rights.member?.edition === 'personal' && !rights.member.teams.some(([team]) => team === id);
  if (team === null || hidden) throw notFound('team', id);
  return team;
}

/** What it gave its members ends with it: they are in a team of that generation. */
export async function deleteTeam(
  context: ManageContext,
  org: string,
  id: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<WorkResult<TeamCascade>> {
  const work = async (unit: UnitOfWork) => {
    const { rights } = await enter(context, unit, org);
    requireAdministrator(rights, 'manage teams');
    const team = await unit.get('team', teamKey(org, id));
    if (team === null) throw notFound('team', id);
    await requireMayRegroup(unit, context.policy(), rights, team, team.members);
    unit.delete(teamKey(org, id));
    const { members, assignments } = team;
    const lostRoles: string[] = [];
    for (const [workspace, , generation] of assignments)
      if ((await unit.get('workspace', workspaceKey(org, workspace)))?.generation === generation)
        lostRoles.push(workspace);
    const actor = actorView(context.actor);
    const job = leaveCleanup(unit, { organizationId: org, what: 'team', id, actor, members });
    return { cascade: { members, lostRoles }, job };
  };
  const { value, revision } = await change(context, org, work, { ...options, ends: true });
  if (options.dryRun !== true) await cleanUpSoon(context, value.job);
  return { value: value.cascade, revision };
}

/** What the deletion of a team takes with it. */
export interface TeamCascade {
  readonly members: readonly string[];
  /** Workspaces in which its members lose the role that it had. */
  readonly lostRoles: readonly string[];
}

/** A lower role, or a shorter list of scopes or actions, and nothing more than before. */
function takesRights(context: ManageContext, before: MemberDoc, after: MemberDoc): boolean {
  const { organizationRoles } = context.policy();
  const rank = (role: string) => organizationRoles.get(role)?.rank ?? Number.POSITIVE_INFINITY;
  const lists = (['scopes', 'actions'] as const).map((name) => [after[name], before[name]] as const);
  const isWider = ([now, then]: (typeof lists)[number]) =>
    then !== null && (now === null || now.some((each) => !then.includes(each)));
  const isNarrower = ([now, then]: (typeof lists)[number]) => now !== null && (then === null || isFewer(now, then));
  if (rank(after.role) < rank(before.role) || lists.some(isWider)) return false;
  return rank(after.role) > rank(before.role) || lists.some(isNarrower);
}

/** Some of them, and nobody else. */
export function isFewer(now: readonly string[], then: readonly string[]): boolean {
  return now.every((each) => then.includes(each)) && then.some((each) => !now.includes(each));
}

/** What is asked for, and whether they may ask for it. `before`: the member as they are, or null for a new one. */
function checkInput(
  context: ManageContext,
  rights: Rights,
  before: MemberDoc | null,
  input: Partial<MemberInput>,
  edition: Edition,
): void {
  const { organizationRoles, actions } = context.policy();
  if (input.name !== undefined) requireName(input.name);
  if (typeof input.email === 'string') requireEmail(input.email, 'email');
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
  // A new member names a role.
  const { role, scopes, actions: own } = { ...before, ...input } as Pick<MemberDoc, 'role' | 'scopes' | 'actions'>;
  requireMayMake(context.policy(), rights, before, { edition, role, scopes, actions: own });
}
