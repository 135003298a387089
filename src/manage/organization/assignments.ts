/** Who has which role in a workspace: members, teams and service accounts. An assignment lives in the record of whom it is given to. */
import { type Assignments, accountKey, memberKey, type Role, teamKey } from '../../core/facts.ts';
import { assignedRole } from '../actor.ts';
import { enter, type ManageContext, type Put, reader, requireKnownWorkspace, visitWorkspace } from '../context.ts';
import { requireMayGiveRole, requireWorkspaceManager } from '../granting.ts';
import { notFound } from '../rejection.ts';
import type { DocReader } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';

export type AssigneeKind = 'members' | 'teams' | 'service-accounts';

/** An assignment lives with whom it is given to: that is the record the hot path has at hand. */
export async function putAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
  role: Role,
): Promise<WorkResult<Put<{ readonly role: Role }>>> {
  return change(context, org, async (unit) => {
    const { workspace, rights } = await openWorkspace(context, unit, org, workspaceId);
    const before = await assignmentsOf(unit, org, kind, id);
    const had = assignedRole(before, workspace);
    await requireMayGiveRole(unit, context.policy(), rights, workspace, role, had);
    if (role === 'member' && had === 'admin') unit.ends();
    await assign(unit, org, kind, id, [...without(before, workspaceId), [workspaceId, role, workspace.generation]]);
    return { created: had === null, item: { role } };
  });
}

export async function getAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
): Promise<{ readonly role: Role }> {
  const unit = reader(context.store);
  const workspace = await visitWorkspace(context, unit, org, workspaceId);
  const role = assignedRole(await assignmentsOf(unit, org, kind, id), workspace);
  if (role === null) throw notFound(`assignment of ${kind}`, id);
  return { role };
}

export async function deleteAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
): Promise<WorkResult<void>> {
  const work = async (unit: UnitOfWork) => {
    const { workspace } = await openWorkspace(context, unit, org, workspaceId);
    const before = await assignmentsOf(unit, org, kind, id);
    if (assignedRole(before, workspace) === null) throw notFound(`assignment of ${kind}`, id);
    await assign(unit, org, kind, id, without(before, workspaceId));
  };
  return change(context, org, work, { ends: true });
}

/** The workspace, for whoever may assign roles in it at all: which ones is another question. */
async function openWorkspace(context: ManageContext, unit: UnitOfWork, org: string, id: string) {
  const { rights } = await enter(context, unit, org);
  const workspace = await requireKnownWorkspace(unit, rights, org, id);
  await requireWorkspaceManager(unit, context.policy(), rights, workspace, 'assign roles in it');
  return { workspace, rights };
}

const ASSIGNEES = {
  members: { kind: 'member', key: memberKey },
  teams: { kind: 'team', key: teamKey },
  'service-accounts': { kind: 'account', key: accountKey },
} as const;

/** The record of whom a role is given to. */
async function assignee(unit: DocReader, org: string, plural: AssigneeKind, id: string) {
  const { kind, key } = ASSIGNEES[plural];
  const doc = await unit.get(kind, key(org, id));
  const gone = doc === null || ('state' in doc && doc.state === 'deleted');
  if (gone) throw notFound(kind === 'account' ? 'service account' : kind, id);
  return doc;
}

async function assignmentsOf(unit: DocReader, org: string, plural: AssigneeKind, id: string): Promise<Assignments> {
  return (await assignee(unit, org, plural, id)).assignments;
}

async function assign(
  unit: UnitOfWork,
  org: string,
  plural: AssigneeKind,
  id: string,
  assignments: Assignments,
): Promise<void> {
  unit.put(ASSIGNEES[plural].kind, { ...(await assignee(unit, org, plural, id)), assignments } as never);
}

/** The assignments without those in one workspace. */
function without(assignments: Assignments, workspaceId: string): Assignments {
  return assignments.filter(([other]) => other !== workspaceId);
}
