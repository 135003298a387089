/**
 * What an actor may hand on: never more than they have themselves, by whatever way. Rights are compared, not the names
 * of roles: scopes, actions, the administration of the organization, roles in workspaces. Only what a change adds is
 * judged, so that nobody needs all rights of somebody to take one away. The operator hands on everything.
 */
import type { Assignments, Role } from '../core/facts.ts';
import { workspaceKey } from '../core/facts.ts';
import type { OrganizationRole, Policy } from '../core/policy.ts';
import { covers, type ScopeSet } from '../core/scope.ts';
import { actionsOf, forbidden, isOwnedBy, type Rights, requireAdministrator, requirePerson, roleOf } from './actor.ts';
import type { AccountDoc, DocReader, MemberDoc, WorkspaceDoc } from './unit-of-work/records.ts';

const HEIGHT: Readonly<Record<Role, number>> = { member: 1, admin: 2 };

/** The fields of a member that decide what they may do in the whole organization. */
export type MemberRights = Pick<MemberDoc, 'edition' | 'role' | 'scopes' | 'actions'>;

/** `before`: the member as they are, or null for a new one. */
export function requireMayMake(policy: Policy, rights: Rights, before: MemberRights | null, after: MemberRights): void {
  const { member } = rights;
  if (member === null) return;
  requireMayGiveScopes(policy, rights, before === null ? new Set() : scopesOf(policy, before), scopesOf(policy, after));
  const had = before === null ? new Set() : actionsOf(before, policy);
  for (const action of actionsOf(after, policy))
    if (!had.has(action) && !rights.actions.has(action)) throw beyond(member, `the action ${action}`);
  if (before?.role === after.role) return;
  const [own, old, next] = [member, before, after].map((one) => one && policy.organizationRoles.get(one.role));
  if (next?.administrator === true && !old?.administrator && !own?.administrator)
    throw beyond(member, 'the administration of the organization');
  const everywhere = heightOf(next);
  if (everywhere > heightOf(old) && everywhere > Math.max(heightOf(own), givenHeight(rights, own)))
    throw beyond(member, `the role ${next!.workspaceRole} in every workspace`);
}

export function requireMayGiveScopes(policy: Policy, rights: Rights, before: ScopeSet, after: ScopeSet): void {
  const { member } = rights;
  if (member === null || before === 'all') return;
  const own = scopesOf(policy, member);
  if (own === 'all') return;
  if (after === 'all') throw beyond(member, 'every scope');
  for (const scope of after) if (!covers(before, scope) && !covers(own, scope)) throw beyond(member, scope);
}

/** `before`: what whoever is given it has there already. */
export async function requireMayGiveRole(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  workspace: WorkspaceDoc,
  role: Role,
  before: Role | null = null,
): Promise<void> {
  if (rights.member === null || (before !== null && HEIGHT[before] >= HEIGHT[role])) return;
  const own = await roleToGive(unit, policy, rights, workspace);
  if (own < HEIGHT[role]) throw beyond(rights.member, `the role ${role} in ${workspace.id}`);
}

/** The roles that come with a team. */
export async function requireMayGiveRoles(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  organizationId: string,
  assignments: Assignments,
): Promise<void> {
  if (rights.member === null) return;
  for (const [id, role, generation] of assignments) {
    const workspace = await unit.get('workspace', workspaceKey(organizationId, id));
    if (workspace?.generation === generation) await requireMayGiveRole(unit, policy, rights, workspace, role);
  }
}

/** Whoever holds an account's secret may do what the account may. */
export async function requireMayActAs(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  account: AccountDoc,
): Promise<void> {
  requireMayGiveScopes(policy, rights, new Set(), new Set(account.scopes));
  await requireMayGiveRoles(unit, policy, rights, account.organizationId, account.assignments);
}

/**
 * Its owner, and whoever is admin there (SCRYDON-18): by assignment, by a team, or by their role in the organization.
 * Administrators who are not could take what stands in it: an id that was freed can be claimed elsewhere.
 */
export async function requireWorkspaceAdmin(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  workspace: WorkspaceDoc,
  what: string,
): Promise<void> {
  requirePerson(rights, what);
  if ((await roleToGive(unit, policy, rights, workspace)) < HEIGHT.admin)
    throw forbidden(`Only admins of the workspace may ${what}.`);
}

/** Administrators of the organization, too: for what gives nobody anything, or is judged by what it gives. */
export async function requireWorkspaceManager(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  workspace: WorkspaceDoc,
  what: string,
): Promise<void> {
  requirePerson(rights, what);
  if (rights.administrator || (await roleToGive(unit, policy, rights, workspace)) >= HEIGHT.admin) return;
  throw forbidden(`Only administrators of the organization and admins of the workspace may ${what}.`);
}

/** Its owner, and administrators who are admins there: whoever deletes it and makes it anew has taken it over. */
export async function requireDisposal(
  unit: DocReader,
  policy: Policy,
  rights: Rights,
  workspace: WorkspaceDoc,
  what: string,
): Promise<void> {
  requirePerson(rights, what);
  if (isOwnedBy(workspace, rights)) return;
  requireAdministrator(rights, `${what} that is somebody else's`);
  await requireMayGiveRole(unit, policy, rights, workspace, 'admin');
}

/** As a height: the role that they have there, or that the policy lets its administrators join with. */
async function roleToGive(unit: DocReader, policy: Policy, rights: Rights, workspace: WorkspaceDoc): Promise<number> {
  const { member } = rights;
  if (member === null) return HEIGHT.admin;
  const { joined, byOrganization } = await roleOf(unit, policy, member, workspace);
  const given = givenHeight(rights, policy.organizationRoles.get(member.role));
  return Math.max(given, ...[joined, byOrganization].map((role) => (role === null ? 0 : HEIGHT[role])));
}

function givenHeight({ administrator }: Rights, role: OrganizationRole | null | undefined): number {
  return administrator && role?.joinsAs ? HEIGHT[role.joinsAs] : 0;
}

function heightOf(role: OrganizationRole | null | undefined): number {
  return role?.workspaceRole ? HEIGHT[role.workspaceRole] : 0;
}

function scopesOf(policy: Policy, { scopes, role }: MemberRights): ScopeSet {
  if (scopes !== null) return new Set(scopes);
  return policy.organizationRoles.get(role)?.scopes ?? new Set();
}

function beyond({ id }: MemberDoc, what: string) {
  return forbidden(`${id} does not have ${what}, and nobody gives what they do not have themselves.`);
}
