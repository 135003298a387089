/**
 * Whom a role in a workspace can be given to, found by name in one place: members, teams and service accounts. For whoever
 * may give one somewhere, so that the admin of a workspace finds them without administering the organization (SCRYDON-18).
 * Shows names and ids and nothing else. Reads only.
 */
import { type Assignments, teamKey, workspaceKey } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import { forbidden, type Rights, requirePerson } from '../actor.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import { everyOne, list, type Page, type PageRequest } from '../listing.ts';
import { whoseNameHolds } from '../names.ts';
import { lists } from '../unit-of-work/places.ts';
import type { AccountDoc, DocReader, MemberDoc, TeamDoc } from '../unit-of-work/records.ts';

export type PrincipalType = 'member' | 'team' | 'service-account';

export interface Principal {
  readonly type: PrincipalType;
  readonly id: string;
  readonly name: string;
}

export interface PrincipalFilter {
  /** A part of the name, whatever its case. */
  readonly name?: string;
  readonly type?: PrincipalType;
}

export async function listPrincipals(
  context: ManageContext,
  org: string,
  { name, type }: PrincipalFilter,
  page: PageRequest,
): Promise<Page<Principal>> {
  const { rights } = await enter(context, reader(context.store), org);
  await requireAssigner(context, rights, org);
  const wanted = whoseNameHolds(name);
  const pick = (doc: MemberDoc | TeamDoc | AccountDoc) => {
    const found = principalOf(doc);
    return (type === undefined || found.type === type) && wanted(found.name) ? found : null;
  };
  return list(context.store, ['member', 'team', 'account'], lists.principals(org), { ...page, pick });
}

function principalOf(doc: MemberDoc | TeamDoc | AccountDoc): Principal {
  if ('clientId' in doc) return { type: 'service-account', id: doc.clientId, name: doc.name };
  return { type: 'role' in doc ? 'member' : 'team', id: doc.id, name: doc.name };
}

/** In edition personal, a crowd of strangers, nobody looks for the others. */
async function requireAssigner(context: ManageContext, rights: Rights, org: string): Promise<void> {
  requirePerson(rights, 'look for members');
  const { member } = rights;
  if (member === null || rights.administrator) return;
  if (member.edition !== 'personal' && (await assignsSomewhere(context, member, org))) return;
  throw forbidden('Only administrators of the organization and admins of a workspace may look for members.');
}

/** The admin of a workspace that is there: by the organization role, as its owner, by an assignment or by a team. */
async function assignsSomewhere({ store, policy }: ManageContext, member: MemberDoc, org: string): Promise<boolean> {
  if (isAdminEverywhere(policy(), member)) return true;
  for await (const { ownerGeneration } of everyOne(store, 'workspace', lists.workspacesOwnedBy(org, member.id)))
    if (ownerGeneration === member.generation) return true;
  const unit = reader(store);
  if (await administersOne(unit, org, member.assignments)) return true;
  for (const [id, generation] of member.teams) {
    const team = await unit.get('team', teamKey(org, id));
    if (team?.generation === generation && (await administersOne(unit, org, team.assignments))) return true;
  }
  return false;
}

function isAdminEverywhere({ organizationRoles }: Policy, { role }: MemberDoc): boolean {
  return organizationRoles.get(role)?.workspaceRole === 'admin';
}

async function administersOne(unit: DocReader, org: string, assignments: Assignments): Promise<boolean> {
  for (const [id, role, generation] of assignments)
    if (role === 'admin' && (await unit.get('workspace', workspaceKey(org, id)))?.generation === generation)
      return true;
  return false;
}
