/**
 * What stands in an organization and in a workspace, page by page, for administrators of the organization; who has a role
 * in a workspace also for its admins. Reads only. Every list but that of organizations rejects with Rejection: `forbidden`
 * for everybody else, `not_found` for an organization or workspace that is not there.
 */
import type { Role } from '../../core/facts.ts';
import { requireAdministrator, requireProcessOperator } from '../actor.ts';
import { enter, type ManageContext, reader, requireKnownWorkspace, requireWorkspace } from '../context.ts';
import { requireWorkspaceManager } from '../granting.ts';
import { list, type Page, type PageRequest } from '../listing.ts';
import { whoseNameHolds } from '../names.ts';
import { lists } from '../unit-of-work/places.ts';
import type {
  AccountDoc,
  EnvironmentDoc,
  MemberDoc,
  OrganizationDoc,
  ResourceDoc,
  TeamDoc,
  WorkspaceDoc,
} from '../unit-of-work/records.ts';
import type { AssigneeKind } from './assignments.ts';

/** Of all organizations there are; for the operator. */
export async function listOrganizations(context: ManageContext, page: PageRequest): Promise<Page<OrganizationDoc>> {
  requireProcessOperator(context.actor);
  return list(context.store, 'organization', lists.organizations(), page);
}

export async function listMembers(
  context: ManageContext,
  org: string,
  page: PageRequest,
  name?: string,
): Promise<Page<MemberDoc>> {
  await requireLister(context, org, 'list members');
  return list(context.store, 'member', lists.members(org), { ...page, pick: named(name) });
}

export async function listTeams(
  context: ManageContext,
  org: string,
  page: PageRequest,
  name?: string,
): Promise<Page<TeamDoc>> {
  await requireLister(context, org, 'list teams');
  return list(context.store, 'team', lists.teams(org), { ...page, pick: named(name) });
}

export async function listWorkspaces(
  context: ManageContext,
  org: string,
  page: PageRequest,
  name?: string,
): Promise<Page<WorkspaceDoc>> {
  await requireLister(context, org, 'list workspaces');
  return list(context.store, 'workspace', lists.workspaces(org), { ...page, pick: named(name) });
}

/** Those whose name, or id, holds this part; absent: all. */
function named(part: string | undefined) {
  const holds = whoseNameHolds(part);
  return <Doc extends { readonly name: string; readonly id: string }>(doc: Doc) =>
    holds(doc.name, doc.id) ? doc : null;
}

export async function listEnvironments(
  context: ManageContext,
  org: string,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<EnvironmentDoc>> {
  await requireLister(context, org, 'list environments', workspaceId);
  return list(context.store, 'environment', lists.environments(org, workspaceId), page);
}

export async function listResources(
  context: ManageContext,
  org: string,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<ResourceDoc>> {
  await requireLister(context, org, 'list resources', workspaceId);
  return list(context.store, 'resource', lists.resources(org, workspaceId), page);
}

/** Somebody or something with a role in a workspace. */
export interface Assigned {
  readonly kind: AssigneeKind;
  readonly id: string;
  readonly role: Role;
}

/**
 * Members, teams and service accounts, all in one list, also for admins of the workspace (SCRYDON-18); a deleted account stays in it until it is
 * purged.
 */
export async function listAssignments(
  context: ManageContext,
  org: string,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<Assigned>> {
  const unit = reader(context.store);
  const { rights } = await enter(context, unit, org);
  const workspace = await requireKnownWorkspace(unit, rights, org, workspaceId);
  await requireWorkspaceManager(unit, context.policy(), rights, workspace, 'list who has a role in it');
  const index = lists.assigned(org, workspaceId);
  const pick = (doc: Assignee) => ('state' in doc && doc.state === 'deleted' ? null : assignedIn(doc, workspaceId));
  return list(context.store, ['member', 'team', 'account'], index, { ...page, pick });
}

type Assignee = MemberDoc | TeamDoc | AccountDoc;

function assignedIn(doc: Assignee, workspaceId: string): Assigned | null {
  const role = doc.assignments.find(([id]) => id === workspaceId)?.[1];
  // The list holds whoever has a role there, as of the same commit.
  if (role === undefined) return null;
  if ('clientId' in doc) return { kind: 'service-accounts', id: doc.clientId, role };
  return { kind: 'role' in doc ? 'members' : 'teams', id: doc.id, role };
}

async function requireLister(context: ManageContext, org: string, what: string, workspaceId?: string): Promise<void> {
  const unit = reader(context.store);
  const { rights } = await enter(context, unit, org);
  requireAdministrator(rights, what);
  if (workspaceId !== undefined) await requireWorkspace(unit, org, workspaceId);
}
