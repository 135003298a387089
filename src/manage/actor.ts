/**
 * Who is asking, and what they may manage. The operator (admin key alone) skips only who-may-do-it rules; rules about
 * the thing itself always apply. In edition personal an organization is a crowd of strangers: nobody administers it.
 */
import { isCurrent } from '../core/decide.ts';
import {
  type Assignments,
  type Generation,
  memberKey,
  type Role,
  type TokenHash,
  teamKey,
  tokenKey,
} from '../core/facts.ts';
import type { KindPolicy, Policy } from '../core/policy.ts';
import { MANAGE } from '../core/scope.ts';
import { permitted } from './permitted.ts';
import { Rejection, unacceptable } from './rejection.ts';
import { type FullReader, standingOf } from './tokens/standing.ts';
import { stateShown } from './tokens/token-state.ts';
import type { DocReader, MemberDoc, TokenDoc, WorkspaceDoc } from './unit-of-work/records.ts';

export type Actor =
  | { readonly kind: 'operator' }
  /** The admin key, on behalf of a member. */
  | { readonly kind: 'member'; readonly id: string }
  /** A member by their own token, never beyond what that token reaches. */
  | { readonly kind: 'token'; readonly id: string; readonly token: TokenDoc; readonly hash: TokenHash };

export const OPERATOR: Actor = Object.freeze({ kind: 'operator' });

/** What an actor may do in one organization, as it stands. */
export interface Rights {
  readonly actor: Actor;
  /** null: the operator. */
  readonly member: MemberDoc | null;
  readonly administrator: boolean;
  readonly actions: ReadonlySet<string>;
}

/**
 * 403 for a stranger, before anything else is asked: they neither wait for others' changes nor learn by what it takes to
 * refuse them whether there is such an organization.
 */
export async function requireInside(store: DocReader, actor: Actor, org: string): Promise<void> {
  if (actor.kind === 'operator') return;
  const outside = actor.kind === 'token' && actor.token.organizationId !== org;
  if (outside || (await store.get('member', memberKey(org, actor.id))) === null) throw stranger(actor.id);
}

function stranger(id: string): Rejection {
  return forbidden(`${id} is no member of this organization.`);
}

/** 403 for somebody who is no member there, and for a token that has ended since its caller was recognised. */
export async function rightsIn(
  unit: FullReader,
  asking: Actor,
  policy: Policy,
  org: string,
  nowMs: number,
): Promise<Rights> {
  if (asking.kind === 'operator') return { actor: asking, member: null, administrator: true, actions: new Set() };
  const outside = asking.kind === 'token' && asking.token.organizationId !== org;
  const found = outside ? null : await unit.get('member', memberKey(org, asking.id));
  if (found === null) throw stranger(asking.id);
  const member = await permitted(unit, policy, found, 'everywhere');
  const actor = asking.kind === 'token' ? await asItStands(unit, asking, member, policy, nowMs) : asking;
  return {
    actor,
    member,
    administrator: policy.organizationRoles.get(member.role)?.administrator === true && member.edition !== 'personal',
    actions: actionsOf(member, policy),
  };
}

/** The call may have waited its turn behind what revoked, narrowed or replaced its token. */
async function asItStands(
  unit: FullReader,
  actor: Actor & { readonly kind: 'token' },
  member: MemberDoc,
  policy: Policy,
  nowMs: number,
): Promise<Actor> {
  const { organizationId, id } = actor.token;
  const stored = await unit.get('token', tokenKey(organizationId, id));
  const token = stored === null ? null : await standingOf(unit, stored);
  const isPresented = token !== null && isCurrent(token, actor.hash, nowMs);
  if (!isPresented || !managesFor(token, member, policy, nowMs)) throw forbidden('This token has ended.');
  return { ...actor, token };
}

/** A live token that carries the reserved scope by name, active, unexpired, whose owner is still that member and may. */
export function managesFor(token: TokenDoc, owner: MemberDoc, policy: Policy, nowMs: number): boolean {
  return (
    token.authority === 'live' &&
    stateShown(token, nowMs) === 'active' &&
    token.scopes?.includes(MANAGE) === true &&
    token.ownerGeneration === owner.generation &&
    mayManage(owner, policy)
  );
}

export function actionsOf(member: Pick<MemberDoc, 'role' | 'actions'>, policy: Policy): ReadonlySet<string> {
  if (member.actions !== null) return new Set(member.actions);
  return policy.organizationRoles.get(member.role)?.actions ?? new Set();
}

/** The reserved scope goes with the actions, whatever scopes the member has: with any of them, or where none is needed. */
export function mayManage(member: MemberDoc, policy: Policy): boolean {
  if (policy.listAction !== null && actionsOf(member, policy).has(policy.listAction)) return true;
  return holdsAnyKind(member, policy);
}

/** May tokens of any kind be made for this member? */
export function holdsAnyKind(member: MemberDoc, policy: Policy): boolean {
  return [...policy.kinds.values()].some((kind) => mayHold(member, kind, policy));
}

function mayHold(member: MemberDoc, kind: KindPolicy, policy: Policy): boolean {
  if (kind.everyoneInEditions.has(member.edition)) return true;
  if (kind.holders?.has(member.role) === false) return false;
  return kind.manageAction === null || actionsOf(member, policy).has(kind.manageAction);
}

/** The kinds of tokens that they may make for themselves; of the operator all. */
export function kindsFor({ member }: Rights, policy: Policy): readonly string[] {
  const kinds = [...policy.kinds.values()].filter((kind) => member === null || mayHold(member, kind, policy));
  return kinds.map(({ name }) => name);
}

/** May tokens of this kind be made for this owner, whoever makes them (contract 6)? */
export function requireHolder(owner: MemberDoc, kind: KindPolicy, policy: Policy): void {
  if (mayHold(owner, kind, policy)) return;
  throw unacceptable('kind_not_held', 'owner', `${owner.id} ${lacks(owner, kind, policy)}.`);
}

function lacks(member: MemberDoc, { name, manageAction, holders }: KindPolicy, policy: Policy): string {
  const { actions, role } = member;
  if (manageAction === null || actionsOf(member, policy).has(manageAction))
    return `is ${role}, and only ${[...holders!].join(' and ')} have ${name} tokens, whatever their actions`;
  const why =
    actions === null
      ? `the role ${role} does not give it`
      : "it is not in their own list of actions, which replaces the role's";
  return `needs the action ${manageAction} for ${name} tokens; ${why}`;
}

export function forbidden(detail: string): Rejection {
  return new Rejection({ kind: 'forbidden', code: 'not_allowed', detail });
}

/** A token manages tokens and nothing else. */
export function requirePerson(rights: Rights, what: string): void {
  if (rights.actor.kind === 'token') throw forbidden(`A token may manage tokens only; to ${what}, use the admin key.`);
}

export function requireOperator(actor: Actor, what: string): void {
  if (actor.kind !== 'operator') throw forbidden(`Only the admin key without an actor may ${what}.`);
}

/** 403 for members and their tokens: the process is no organization's. */
export function requireProcessOperator(actor: Actor): void {
  if (actor.kind === 'operator') return;
  const detail = 'This is for the admin key alone, without an actor.';
  throw new Rejection({ kind: 'forbidden', code: 'forbidden', detail });
}

export function requireAdministrator(rights: Rights, what: string): void {
  requirePerson(rights, what);
  if (!rights.administrator) throw forbidden(`Only administrators of the organization may ${what}.`);
}

/** Nobody manages, or makes, somebody of a higher role than their own. */
export function requireRank(rights: Rights, policy: Policy, role: string): void {
  if (rights.member === null) return;
  const own = policy.organizationRoles.get(rights.member.role)?.rank ?? Number.POSITIVE_INFINITY;
  const other = policy.organizationRoles.get(role)?.rank ?? 0;
  if (other < own) throw forbidden(`The role ${role} is above that of ${rights.member.id}.`);
}

/** The highest of owner, direct assignment and team assignments; what the organization role gives is not in it. */
export async function joinedRole(unit: DocReader, member: MemberDoc, workspace: WorkspaceDoc): Promise<Role | null> {
  if (workspace.ownerId === member.id && workspace.ownerGeneration === member.generation) return 'admin';
  const found = [assignedRole(member.assignments, workspace)];
  for (const [id, generation] of member.teams) {
    const team = await unit.get('team', teamKey(member.organizationId, id));
    if (team?.generation === generation) found.push(assignedRole(team.assignments, workspace));
  }
  return found.includes('admin') ? 'admin' : found.includes('member') ? 'member' : null;
}

/** The role that is assigned in this very workspace, not in one that had the same id. */
export function assignedRole(assignments: Assignments, { id, generation }: WorkspaceDoc): Role | null {
  return assignments.find(([other, , made]) => other === id && made === generation)?.[1] ?? null;
}

/** Their own, by membership: the next bearer of an owner's id owns nothing of it. */
export function isOwnedBy(workspace: WorkspaceDoc, { member }: Rights): boolean {
  return member !== null && workspace.ownerId === member.id && workspace.ownerGeneration === member.generation;
}

/** What a member has in a workspace. In edition personal, a crowd of strangers, organization roles give nothing. */
export async function roleOf(
  unit: DocReader,
  policy: Policy,
  member: MemberDoc,
  workspace: WorkspaceDoc,
): Promise<{ readonly joined: Role | null; readonly byOrganization: Role | null }> {
  const byOrganization =
    member.edition === 'personal' ? null : (policy.organizationRoles.get(member.role)?.workspaceRole ?? null);
  return { joined: await joinedRole(unit, member, workspace), byOrganization };
}

/** May this actor create and manage tokens of this kind for themselves (COZE-SAT-7, FEATBIT-18..20)? */
export function requireKind(rights: Rights, kind: KindPolicy, policy: Policy): void {
  const { member } = rights;
  if (member !== null && !mayHold(member, kind, policy))
    throw forbidden(`${member.id} ${lacks(member, kind, policy)}.`);
}

/**
 * Only for oneself: whoever creates or rotates a token holds its value, and would act as its owner. By membership, not
 * by id alone: what somebody left behind is not the next bearer's of their id.
 */
export function requireSelf(
  rights: Rights,
  owner: { readonly id: string | null; readonly generation: Generation | null },
  what: string,
): void {
  const self = rights.member;
  if (self !== null && (self.id !== owner.id || self.generation !== owner.generation))
    throw forbidden(`Only its owner may ${what} a token.`);
}

/** Owners, and those who may see everybody's. */
export function maySeeTokenOf(rights: Rights, policy: Policy, ownerId: string | null): boolean {
  if (rights.member === null || rights.administrator || rights.member.id === ownerId) return true;
  return policy.listAction !== null && rights.member.edition !== 'personal' && rights.actions.has(policy.listAction);
}
