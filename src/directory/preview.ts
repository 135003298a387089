/**
 * Asks the sidecar what the planned transfers and removals would take with them, as the steps before each leave it.
 * Changes nothing: every question is a dry run.
 */

import type { Present } from './current.ts';
import type { Cascade, PlannedChange } from './plan.ts';
import type { Sidecar, SidecarAnswer } from './sidecar.ts';

/** The same changes, with their cascades. Rejects with SidecarRefusal or SetupError. */
export async function preview(
  sidecar: Sidecar,
  changes: readonly PlannedChange[],
  present: Present,
): Promise<PlannedChange[]> {
  const ended = new Set<string>();
  const going = new Set(changes.filter(({ action }) => action === 'removed').map(({ item }) => item.path.join('/')));
  const seen: PlannedChange[] = [];
  for (const change of changes) {
    let cascade = change.cascade;
    if (change.action === 'changed' && change.item.type === 'workspace' && change.fields.owner !== undefined) {
      cascade = await transferCascade(sidecar, change, present, ended);
      for (const id of cascade?.revokedTokens ?? []) ended.add(id);
    } else if (change.action === 'removed' && change.item.type === 'member') {
      cascade = await removalCascade(sidecar, change, changes, ended, going);
    }
    seen.push({ ...change, cascade });
  }
  return seen;
}

async function transferCascade(
  sidecar: Sidecar,
  change: PlannedChange,
  present: Present,
  ended: ReadonlySet<string>,
): Promise<Cascade | null> {
  const { before, after } = change.fields.owner!;
  // A new owner who is no member yet cannot be asked about. Who else it is makes no difference to what ends.
  const owner = [after as string, ...present.members].find((id) => present.members.has(id) && id !== before);
  if (owner === undefined) return null;
  const path = [...change.item.path, 'transfer'];
  const answer = await sidecar.call({ method: 'POST', path, query: { dryRun: 'true' }, body: { owner } });
  const { revokedTokens, keptTokens } = cascadeOf(answer)!;
  // A token that lists two workspaces ends with the first.
  return { revokedTokens: without(revokedTokens, ended), keptTokens: without(keptTokens, ended) };
}

async function removalCascade(
  sidecar: Sidecar,
  change: PlannedChange,
  changes: readonly PlannedChange[],
  ended: ReadonlySet<string>,
  going: ReadonlySet<string>,
): Promise<Cascade> {
  const [org, , id] = change.item.path;
  const answer = await sidecar.call({ method: 'DELETE', path: change.item.path, query: { dryRun: 'true' } });
  const { deactivatedTokens, keptTokens, contactlessTokens, leftTeams, ownedWorkspaces } = cascadeOf(answer)!;
  const left = (team: string) => {
    const change = changes.find(({ item }) => item.type === 'team' && item.path[2] === team);
    return change?.fields.members !== undefined && !(change.fields.members.after as readonly string[]).includes(id!);
  };
  const transferred = (workspace: string) =>
    changes.some(
      ({ item, fields }) => item.type === 'workspace' && item.path[2] === workspace && fields.owner !== undefined,
    );
  return {
    deactivatedTokens: without(deactivatedTokens, ended),
    keptTokens: without(keptTokens, ended),
    contactlessTokens: without(contactlessTokens, ended),
    leftTeams: (leftTeams ?? []).filter((team) => !going.has(`${org}/teams/${team}`) && !left(team)),
    ownedWorkspaces: (ownedWorkspaces ?? []).filter(
      (workspace) => !going.has(`${org}/workspaces/${workspace}`) && !transferred(workspace),
    ),
  };
}

/** The cascade in a sidecar's answer, if it holds one. */
export function cascadeOf(answer: SidecarAnswer): Cascade | null {
  return (answer.cascade as Cascade | undefined) ?? null;
}

function without(ids: readonly string[] | undefined, taken: ReadonlySet<string>): readonly string[] {
  return (ids ?? []).filter((id) => !taken.has(id));
}
