/**
 * The environments that a token is limited to, within the workspaces that it is granted (FEATBIT-4): which may be listed,
 * and what becomes of the lists when one is made anew. null: every one. Judged for the owner at this moment.
 */
import { environmentKey, type Reference, workspaceKey } from '../../core/facts.ts';
import type { KindPolicy } from '../../core/policy.ts';
import { joinedRole, OPERATOR } from '../actor.ts';
import { actorView } from '../audit.ts';
import { conflict, unacceptable } from '../rejection.ts';
import { lists } from '../unit-of-work/places.ts';
import type { MemberDoc, TokenDoc, WorkspaceDoc } from '../unit-of-work/records.ts';
import { scannedDoc } from '../unit-of-work/stored-docs.ts';
import type { ChangeContext } from '../unit-of-work/unit-of-work.ts';
import { change, type UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Tokens of one commit. */
const PAGE = 20;
/** Of one token. */
const LISTED_MAX = 100;

/** `workspaces`: what the token is granted at the same time. */
export async function checkEnvironments(
  unit: UnitOfWork,
  kind: KindPolicy,
  owner: MemberDoc,
  workspaces: TokenDoc['workspaces'],
  asked: readonly string[] | null | undefined,
): Promise<readonly Reference[] | null> {
  if (asked === undefined || asked === null) return null;
  if (!kind.environmentsSelectable)
    throw unacceptable(
      'environments_not_selectable',
      'environments',
      `A ${kind.name} token is limited to no environments: the policy says so.`,
    );
  const ids = [...new Set(asked)];
  if (ids.length === 0 || ids.length > LISTED_MAX)
    throw unacceptable(
      'environments_count',
      'environments',
      `A token lists 1 to ${LISTED_MAX} environments; without a list it reaches every one.`,
    );
  const granted: Reference[] = [];
  for (const id of ids) granted.push([id, await requireReached(unit, owner, workspaces, id)]);
  return granted;
}

/** Its generation. One in another workspace is answered as one that does not exist. */
async function requireReached(
  unit: UnitOfWork,
  owner: MemberDoc,
  workspaces: TokenDoc['workspaces'],
  id: string,
): Promise<number> {
  const { organizationId } = owner;
  const environment = await unit.get('environment', environmentKey(organizationId, id));
  const workspace =
    environment === null ? null : await unit.get('workspace', workspaceKey(organizationId, environment.workspaceId));
  const isThere = workspace !== null && workspace.generation === environment!.workspaceGeneration;
  if (isThere && (await isReached(unit, owner, workspaces, workspace))) return environment!.generation ?? 0;
  throw unacceptable(
    'environment_unknown',
    'environments',
    `There is no environment ${JSON.stringify(id)} in the workspaces of this token.`,
  );
}

async function isReached(
  unit: UnitOfWork,
  owner: MemberDoc,
  workspaces: TokenDoc['workspaces'],
  workspace: WorkspaceDoc,
): Promise<boolean> {
  if (workspaces === 'all-organization') return true;
  if (typeof workspaces !== 'string')
    return workspaces.some(([id, generation]) => id === workspace.id && generation === workspace.generation);
  if (workspace.ownerId === owner.id && workspace.ownerGeneration === owner.generation) return true;
  return workspaces === 'all-joined' && (await joinedRole(unit, owner, workspace)) !== null;
}

/** Is every environment of the second grant one of the first? */
export function withinEnvironments(own: TokenDoc['environments'], asked: TokenDoc['environments']): boolean {
  if (!own) return true;
  const reach = new Map(own);
  return !!asked && asked.every(([id, generation]) => reach.get(id) === generation);
}

/**
 * Before an environment is made under this id: tokens that list an earlier one of the same id drop it. No decision depends
 * on it, since they name its generation; but what upstreams are told is ids.
 */
export async function dropFromTokens(
  { store, nowMs, actor }: ChangeContext,
  organizationId: string,
  id: string,
): Promise<void> {
  const context = { store, nowMs, actor: OPERATOR };
  const index = lists.tokensOfEnvironment(organizationId, id);
  const isListed = async () => (await store.scan(index, { limit: 1 })).length > 0;
  while (await isListed()) {
    const drop = async (unit: UnitOfWork) => {
      if ((await unit.get('environment', environmentKey(organizationId, id))) !== null) return false;
      for (const entry of await unit.page(index, PAGE, null)) {
        const { doc } = scannedDoc('token', entry);
        unit.put('token', { ...doc, environments: (doc.environments ?? []).filter(([other]) => other !== id) });
      }
      return true;
    };
    // Its maker need not manage those tokens.
    const { value: hasDropped } = await change(context, organizationId, drop, { actor: actorView(actor) });
    if (!hasDropped) return;
  }
}

/** The same, inside the unit of work that makes it. Throws Rejection (409). */
export async function requireUnlisted(unit: UnitOfWork, organizationId: string, id: string): Promise<void> {
  if ((await unit.page(lists.tokensOfEnvironment(organizationId, id), 1, null)).length > 0)
    throw conflict('still_deleting', `Tokens still name a deleted environment ${id}; try again.`);
}
