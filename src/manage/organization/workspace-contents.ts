/** What stands in a workspace: environments, and resources with their owner and collaborators. */
import { accountKey, environmentKey, memberKey, type Party, resourceKey, workspaceKey } from '../../core/facts.ts';
import { administerWorkspace, checkId, type ManageContext, type Put, reader, visitWorkspace } from '../context.ts';
import { conflict, notFound, unacceptable } from '../rejection.ts';
import { dropFromTokens, requireUnlisted } from '../tokens/environments.ts';
import type { DocReader, EnvironmentDoc, ResourceDoc } from '../unit-of-work/records.ts';
import { change, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';
import { isFewer } from './members.ts';

/** Environment ids are unique in the organization: a request names one without its workspace. */
export async function putEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
  input: { readonly name: string },
): Promise<WorkResult<Put<EnvironmentDoc>>> {
  checkId(id, 'id');
  const world = reader(context.store);
  await administerWorkspace(context, world, org, workspaceId, 'manage its environments');
  if ((await stillThere(world, org, await world.get('environment', environmentKey(org, id)))) === null)
    await dropFromTokens(context, org, id);
  return change(context, org, async (unit) => {
    const workspace = await administerWorkspace(context, unit, org, workspaceId, 'manage its environments');
    requireName(input.name);
    const before = await stillThere(unit, org, await unit.get('environment', environmentKey(org, id)));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `Environment ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    if (before === null) await requireUnlisted(unit, org, id);
    const generation = before === null ? unit.generation : (before.generation ?? 0);
    const workspaceGeneration = workspace.generation;
    const item = { organizationId: org, workspaceId, workspaceGeneration, id, generation, name: input.name };
    unit.put('environment', item);
    return { created: before === null, item };
  });
}

export async function getEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
): Promise<EnvironmentDoc> {
  const unit = reader(context.store);
  await visitWorkspace(context, unit, org, workspaceId);
  return requireEnvironment(unit, org, workspaceId, id);
}

export async function deleteEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
): Promise<WorkResult<void>> {
  return change(context, org, async (unit) => {
    await administerWorkspace(context, unit, org, workspaceId, 'manage its environments');
    await requireEnvironment(unit, org, workspaceId, id);
    unit.ends();
    unit.delete(environmentKey(org, id));
  });
}

/** `type` and id together are unique in the organization. */
export async function putResource(
  context: ManageContext,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
  input: { readonly owner: string; readonly collaborators: readonly string[] },
): Promise<WorkResult<Put<ResourceDoc>>> {
  checkId(type, 'type');
  checkId(id, 'id');
  return change(context, org, async (unit) => {
    const workspace = await administerWorkspace(context, unit, org, workspaceId, 'manage its resources');
    const before = await stillThere(unit, org, await unit.get('resource', resourceKey(org, type, id)));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `${type} ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    const owner = await requireParty(unit, org, input.owner, 'owner');
    const collaborators: Party[] = [];
    for (const other of new Set(input.collaborators))
      collaborators.push(await requireParty(unit, org, other, 'collaborators'));
    const workspaceGeneration = workspace.generation;
    const item = { organizationId: org, workspaceId, workspaceGeneration, type, id, owner, collaborators };
    const ids = (parties: readonly Party[]) => parties.map(([party]) => party);
    if (before?.owner[0] === owner[0] && isFewer(ids(collaborators), ids(before.collaborators))) unit.ends();
    unit.put('resource', item);
    return { created: before === null, item };
  });
}

export async function getResource(
  context: ManageContext,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<ResourceDoc> {
  const unit = reader(context.store);
  await visitWorkspace(context, unit, org, workspaceId);
  return requireResource(unit, org, workspaceId, type, id);
}

export async function deleteResource(
  context: ManageContext,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<WorkResult<void>> {
  return change(context, org, async (unit) => {
    await administerWorkspace(context, unit, org, workspaceId, 'manage its resources');
    await requireResource(unit, org, workspaceId, type, id);
    unit.ends();
    unit.delete(resourceKey(org, type, id));
  });
}

/** Whom the relation of a resource is judged for: a member, or a client id. */
async function requireParty(
  unit: DocReader,
  org: string,
  id: string,
  field: 'owner' | 'collaborators',
): Promise<Party> {
  const member = await unit.get('member', memberKey(org, id));
  if (member !== null) return [id, member.generation];
  const account = await unit.get('account', accountKey(org, id));
  if (account !== null && account.state !== 'deleted') return [id, null];
  const detail = `${field} must be members or service accounts of this organization; there is none ${JSON.stringify(id)}.`;
  throw unacceptable(field === 'owner' ? 'owner_unknown' : 'collaborator_unknown', field, detail);
}

/** null: its workspace was deleted, and it goes with it. */
export async function stillThere<D extends EnvironmentDoc | ResourceDoc>(
  unit: DocReader,
  org: string,
  doc: D | null,
): Promise<D | null> {
  if (doc === null) return null;
  const workspace = await unit.get('workspace', workspaceKey(org, doc.workspaceId));
  return workspace?.generation === doc.workspaceGeneration ? doc : null;
}

async function requireEnvironment(
  unit: DocReader,
  org: string,
  workspaceId: string,
  id: string,
): Promise<EnvironmentDoc> {
  const environment = await stillThere(unit, org, await unit.get('environment', environmentKey(org, id)));
  if (environment === null || environment.workspaceId !== workspaceId) throw notFound('environment', id);
  return environment;
}

async function requireResource(
  unit: DocReader,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<ResourceDoc> {
  const resource = await stillThere(unit, org, await unit.get('resource', resourceKey(org, type, id)));
  if (resource === null || resource.workspaceId !== workspaceId) throw notFound(type, id);
  return resource;
}
