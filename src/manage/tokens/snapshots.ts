/**
 * The roles that an owner has at one moment, which a frozen all-grant keeps (FEATBIT-10, COZE-SAT-24). Named by what is in
 * it, so that all tokens with the same roles share one record; removed with the last of them. Judges nothing.
 */
import { createHash } from 'node:crypto';
import {
  type Assignments,
  type Reference,
  type Role,
  type SnapshotRecord,
  snapshotKey,
  teamKey,
  tokenKey,
} from '../../core/facts.ts';
import type { KindPolicy, Policy } from '../../core/policy.ts';
import { lists } from '../unit-of-work/places.ts';
import type { MemberDoc, TokenDoc } from '../unit-of-work/records.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Its id. What every workspace of the organization gives anyway is said once, so it is as long as what the owner joined. */
export async function takeSnapshot(
  unit: UnitOfWork,
  policy: Policy,
  kind: KindPolicy,
  owner: MemberDoc,
): Promise<string> {
  const { organizationId } = owner;
  const everywhere =
    owner.edition === 'personal' ? null : (policy.organizationRoles.get(owner.role)?.workspaceRole ?? null);
  const roles = everywhere === 'admin' ? [] : await joinedRoles(unit, owner);
  const kept = { everywhere, later: kind.allCoversLater, roles: roles.filter(([, role]) => role !== everywhere) };
  const id = createHash('sha256').update(JSON.stringify(kept)).digest('base64url');
  const record: SnapshotRecord = { organizationId, id, ...kept };
  if ((await unit.get('snapshot', snapshotKey(organizationId, id))) === null) unit.put('snapshot', record);
  return id;
}

/** Removes it where no token but this one keeps it. */
export async function releaseSnapshot(unit: UnitOfWork, organizationId: string, id: string, by: TokenDoc) {
  const [first, second] = await unit.page(lists.tokensOfSnapshot(organizationId, id), 2, null);
  if (second === undefined && (first === undefined || first.key === tokenKey(by.organizationId, by.id)))
    unit.deleteSilently(snapshotKey(organizationId, id));
}

/** By owner, direct assignment and team, in the order of their ids. */
async function joinedRoles(unit: UnitOfWork, owner: MemberDoc): Promise<Assignments> {
  const best = new Map<string, readonly [string, Role, number]>();
  const note = (id: string, role: Role, generation: number) => {
    const name = `${generation} ${id}`;
    if (best.get(name)?.[1] !== 'admin') best.set(name, [id, role, generation]);
  };
  for (const { doc } of await unit.all('workspace', lists.workspacesOwnedBy(owner.organizationId, owner.id)))
    if (doc.ownerGeneration === owner.generation) note(doc.id, 'admin', doc.generation);
  for (const [id, role, generation] of owner.assignments) note(id, role, generation);
  for (const [id, role, generation] of await teamRoles(unit, owner.organizationId, owner.teams))
    note(id, role, generation);
  return [...best.values()].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

async function teamRoles(unit: UnitOfWork, organizationId: string, teams: readonly Reference[]): Promise<Assignments> {
  const found: Array<Assignments[number]> = [];
  for (const [id, generation] of teams) {
    const team = await unit.get('team', teamKey(organizationId, id));
    if (team?.generation === generation) found.push(...team.assignments);
  }
  return found;
}
