/** What stands in a workspace: environments, and resources with their owner and collaborators. */
import { accountKey, environmentKey, memberKey, type Party, resourceKey, workspaceKey } from '../core/facts.ts';
import { administerWorkspace, checkId, type ManageContext, type Put, reader, visitWorkspace } from './context.ts';
import { change, type Drafted } from './draft.ts';
import { isFewer } from './members.ts';
import type { DocReader, EnvironmentDoc, ResourceDoc } from './records.ts';
import { conflict, notFound, unacceptable } from './rejection.ts';

/** Environment ids are unique in the organization: a request names one without its workspace. */
export async function putEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
  input: { readonly name: string },
): Promise<Drafted<Put<EnvironmentDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (draft) => {
    const workspace = await administerWorkspace(context, draft, org, workspaceId, 'manage its environments');
    const before = await stillThere(draft, org, await draft.get('environment', environmentKey(org, id)));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `Environment ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    const workspaceGeneration = workspace.generation;
    const item = { organizationId: org, workspaceId, workspaceGeneration, id, name: input.name };
    draft.put('environment', item);
    return { created: before === null, item };
  });
}

export async function getEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
): Promise<EnvironmentDoc> {
  const draft = reader(context.store);
  await visitWorkspace(context, draft, org, workspaceId);
  return requireEnvironment(draft, org, workspaceId, id);
}

export async function deleteEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    await administerWorkspace(context, draft, org, workspaceId, 'manage its environments');
    await requireEnvironment(draft, org, workspaceId, id);
    draft.ends();
    draft.delete(environmentKey(org, id));
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
): Promise<Drafted<Put<ResourceDoc>>> {
  checkId(type, 'type');
  checkId(id, 'id');
  return change(context, org, async (draft) => {
    const workspace = await administerWorkspace(context, draft, org, workspaceId, 'manage its resources');
    const before = await stillThere(draft, org, await draft.get('resource', resourceKey(org, type, id)));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `${type} ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    const owner = await requireParty(draft, org, input.owner, 'owner');
    const collaborators: Party[] = [];
    for (const other of new Set(input.collaborators))
      collaborators.push(await requireParty(draft, org, other, 'collaborators'));
    const workspaceGeneration = workspace.generation;
    const item = { organizationId: org, workspaceId, workspaceGeneration, type, id, owner, collaborators };
    const ids = (parties: readonly Party[]) => parties.map(([party]) => party);
    if (before?.owner[0] === owner[0] && isFewer(ids(collaborators), ids(before.collaborators))) draft.ends();
    draft.put('resource', item);
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
  const draft = reader(context.store);
  await visitWorkspace(context, draft, org, workspaceId);
  return requireResource(draft, org, workspaceId, type, id);
}

export async function deleteResource(
  context: ManageContext,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    await administerWorkspace(context, draft, org, workspaceId, 'manage its resources');
    await requireResource(draft, org, workspaceId, type, id);
    draft.ends();
    draft.delete(resourceKey(org, type, id));
  });
}

/** Whom the relation of a resource is judged for: a member, or a client id. */
async function requireParty(
  draft: DocReader,
  org: string,
  id: string,
  field: 'owner' | 'collaborators',
): Promise<Party> {
  const member = await draft.get('member', memberKey(org, id));
  if (member !== null) return [id, member.generation];
  const account = await draft.get('account', accountKey(org, id));
  if (account !== null && account.state !== 'deleted') return [id, null];
  const detail = `${field} must be members or service accounts of this organization; there is none ${JSON.stringify(id)}.`;
  throw unacceptable(field === 'owner' ? 'owner_unknown' : 'collaborator_unknown', field, detail);
}

/** null: its workspace was deleted, and it goes with it. */
async function stillThere<D extends EnvironmentDoc | ResourceDoc>(
  draft: DocReader,
  org: string,
  doc: D | null,
): Promise<D | null> {
  if (doc === null) return null;
  const workspace = await draft.get('workspace', workspaceKey(org, doc.workspaceId));
  return workspace?.generation === doc.workspaceGeneration ? doc : null;
}

async function requireEnvironment(
  draft: DocReader,
  org: string,
  workspaceId: string,
  id: string,
): Promise<EnvironmentDoc> {
  const environment = await stillThere(draft, org, await draft.get('environment', environmentKey(org, id)));
  if (environment === null || environment.workspaceId !== workspaceId) throw notFound('environment', id);
  return environment;
}

async function requireResource(
  draft: DocReader,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<ResourceDoc> {
  const resource = await stillThere(draft, org, await draft.get('resource', resourceKey(org, type, id)));
  if (resource === null || resource.workspaceId !== workspaceId) throw notFound(type, id);
  return resource;
}
