/**
 * Fewer workspaces than a token has, which is nobody's to allow: of those that it lists, and of those that a frozen grant of
 * all of them reaches. Each keeps the role that it had. Gives nothing, and asks no owner.
 */
import { keptRoleIn, wasHandedOver } from '../../core/decide.ts';
import { type Reference, type Role, type SnapshotFacts, snapshotKey, workspaceKey } from '../../core/facts.ts';
import type { Policy } from '../../core/policy.ts';
import { readFact } from '../../core/read-fact.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { releaseSnapshot } from './snapshots.ts';

type Fewer = Pick<TokenDoc, 'workspaces' | 'roles'> & Partial<Pick<TokenDoc, 'snapshotId'>>;

/** null: not all of `ids` are among those that the token lists. */
export function fewerOfListed({ workspaces, roles }: TokenDoc, ids: readonly string[]): Fewer | null {
  if (typeof workspaces === 'string') return null;
  const kept = workspaces.filter(([id]) => ids.includes(id));
  if (kept.length !== new Set(ids).size) return null;
  return { workspaces: kept, roles: roles.filter(([id]) => ids.includes(id)) };
}

/**
 * null: not all of `ids` are reached by the token, or its grant is a rule about what its owner owns or joined, which only
 * they can say.
 */
export async function fewerOfAll(
  unit: UnitOfWork,
  policy: Policy,
  token: TokenDoc,
  ids: readonly string[],
): Promise<Fewer | null> {
  if (token.workspaces !== 'all-organization' || token.authority !== 'frozen') return null;
  const snapshot = await snapshotOf(unit, token);
  const workspaces: Reference[] = [];
  const roles: Array<readonly [string, Role]> = [];
  for (const id of new Set(ids)) {
    const workspace = await unit.get('workspace', workspaceKey(token.organizationId, id));
    if (workspace === null || workspace.deletedAtMs !== null || wasHandedOver(token, workspace, policy)) return null;
    // Tokens were made before there were snapshots.
    const role =
      snapshot === null ? 'member' : keptRoleIn({ ...token, workspaces: token.workspaces }, snapshot, workspace);
    if (role === null) return null;
    workspaces.push([id, workspace.generation]);
    roles.push([id, role]);
  }
  if (token.snapshotId) await releaseSnapshot(unit, token.organizationId, token.snapshotId, token);
  return { workspaces, roles, snapshotId: null };
}

async function snapshotOf(unit: UnitOfWork, { organizationId, snapshotId }: TokenDoc): Promise<SnapshotFacts | null> {
  if (!snapshotId) return null;
  const key = snapshotKey(organizationId, snapshotId);
  const record = await unit.get('snapshot', key);
  return record === null ? null : (readFact(key, record) as SnapshotFacts);
}
