/** Who has which role in a workspace: members, teams and service accounts. An assignment lives in the record of whom it is given to. */
import { type Assignments, accountKey, memberKey, type Role, teamKey } from '../core/facts.ts';
import { administerWorkspace, type ManageContext, type Put, reader, visitWorkspace } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import type { DocReader } from './records.ts';
import { notFound } from './rejection.ts';

export type AssigneeKind = 'members' | 'teams' | 'service-accounts';

/** An assignment lives with whom it is given to: that is the record the hot path has at hand. */
export async function putAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
  role: Role,
): Promise<Drafted<Put<{ readonly role: Role }>>> {
  return change(context, org, async (draft) => {
    await administerWorkspace(context, draft, org, workspaceId, 'assign roles in it');
    const before = await assignmentsOf(draft, org, kind, id);
    await assign(draft, org, kind, id, [...without(before, workspaceId), [workspaceId, role]]);
    return { created: !before.some(([other]) => other === workspaceId), item: { role } };
  });
}

export async function getAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
): Promise<{ readonly role: Role }> {
  const draft = reader(context.store);
  await visitWorkspace(context, draft, org, workspaceId);
  const role = (await assignmentsOf(draft, org, kind, id)).find(([other]) => other === workspaceId)?.[1];
  if (role === undefined) throw notFound(`assignment of ${kind}`, id);
  return { role };
}

export async function deleteAssignment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  kind: AssigneeKind,
  id: string,
): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    await administerWorkspace(context, draft, org, workspaceId, 'assign roles in it');
    const before = await assignmentsOf(draft, org, kind, id);
    if (!before.some(([other]) => other === workspaceId)) throw notFound(`assignment of ${kind}`, id);
    await assign(draft, org, kind, id, without(before, workspaceId));
  });
}

const ASSIGNEES = {
  members: { kind: 'member', key: memberKey },
  teams: { kind: 'team', key: teamKey },
  'service-accounts': { kind: 'account', key: accountKey },
} as const;

/** The record of whom a role is given to. */
async function assignee(draft: DocReader, org: string, plural: AssigneeKind, id: string) {
  const { kind, key } = ASSIGNEES[plural];
  const doc = await draft.get(kind, key(org, id));
  const gone = doc === null || ('state' in doc && doc.state === 'deleted');
  if (gone) throw notFound(kind === 'account' ? 'service account' : kind, id);
  return doc;
}

async function assignmentsOf(draft: DocReader, org: string, plural: AssigneeKind, id: string): Promise<Assignments> {
  return (await assignee(draft, org, plural, id)).assignments;
}

async function assign(
  draft: Draft,
  org: string,
  plural: AssigneeKind,
  id: string,
  assignments: Assignments,
): Promise<void> {
  draft.put(ASSIGNEES[plural].kind, { ...(await assignee(draft, org, plural, id)), assignments } as never);
}

/** The assignments without those in one workspace. */
export function without(assignments: Assignments, workspaceId: string): Assignments {
  return assignments.filter(([other]) => other !== workspaceId);
}
