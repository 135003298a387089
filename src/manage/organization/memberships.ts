/** Where a member belongs: their teams, and their roles in workspaces, each with what gives it. Reads only. */
import { type Assignments, type Role, teamKey, workspaceKey } from '../../core/facts.ts';
import { type ManageContext, reader } from '../context.ts';
import { list } from '../listing.ts';
import { lists } from '../unit-of-work/places.ts';
import type { DocReader, WorkspaceDoc } from '../unit-of-work/records.ts';
import { getMember } from './members.ts';

/** Beyond so many that they own, the rest is only said to be there. */
const OWNED_MAX = 200;

interface RoleSource {
  readonly source: 'owner' | 'direct' | 'team';
  readonly team: string | null;
  readonly role: Role;
}

interface WorkspaceRole {
  readonly id: string;
  readonly name: string;
  /** The highest. */
  readonly role: Role;
  readonly sources: readonly RoleSource[];
}

export interface Memberships {
  readonly teams: ReadonlyArray<{ readonly id: string; readonly name: string }>;
  /** What their role in the organization gives them in every workspace. */
  readonly everywhere: Role | null;
  readonly workspaces: readonly WorkspaceRole[];
  readonly more: boolean;
}

/** For administrators, and for the member. */
export async function readMemberships(context: ManageContext, org: string, id: string): Promise<Memberships> {
  const member = await getMember(context, org, id);
  const unit = reader(context.store);
  const found = new Map<string, { readonly workspace: WorkspaceDoc; readonly sources: RoleSource[] }>();
  const add = (workspace: WorkspaceDoc, source: RoleSource) => {
    const known = found.get(workspace.id);
    if (known === undefined) found.set(workspace.id, { workspace, sources: [source] });
    else known.sources.push(source);
  };
  const pick = (doc: WorkspaceDoc) => (doc.ownerGeneration === member.generation ? doc : null);
  const page = { limit: OWNED_MAX, cursor: null, pick };
  const owned = await list(context.store, 'workspace', lists.workspacesOwnedBy(org, id), page);
  for (const workspace of owned.items) add(workspace, { source: 'owner', team: null, role: 'admin' });
  for (const [workspace, role] of await standing(unit, org, member.assignments))
    add(workspace, { source: 'direct', team: null, role });
  const teams: Array<{ id: string; name: string }> = [];
  for (const [team, generation] of member.teams) {
    const doc = await unit.get('team', teamKey(org, team));
    if (doc?.generation !== generation) continue;
    teams.push({ id: team, name: doc.name });
    for (const [workspace, role] of await standing(unit, org, doc.assignments))
      add(workspace, { source: 'team', team, role });
  }
  const role = context.policy().organizationRoles.get(member.role);
  return {
    teams,
    everywhere: member.edition === 'personal' ? null : (role?.workspaceRole ?? null),
    workspaces: Array.from(found.values(), ({ workspace, sources }) => ({
      ...{ id: workspace.id, name: workspace.name, sources },
      role: sources.some((each) => each.role === 'admin') ? 'admin' : 'member',
    })),
    more: owned.nextCursor !== null,
  };
}

/** Those in workspaces that are there, not in earlier ones of the same id. */
async function standing(
  unit: DocReader,
  org: string,
  assignments: Assignments,
): Promise<ReadonlyArray<readonly [WorkspaceDoc, Role]>> {
  const found: Array<readonly [WorkspaceDoc, Role]> = [];
  for (const [id, role, generation] of assignments) {
    const workspace = await unit.get('workspace', workspaceKey(org, id));
    if (workspace?.generation === generation) found.push([workspace, role]);
  }
  return found;
}
