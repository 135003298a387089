/** Workspaces and what stands in them: environments, resources, and who has which role. */
import { environmentKey, memberKey, resourceKey, workspaceKey } from '../core/facts.ts';
import { kindOf } from '../core/read-fact.ts';
import { without } from './assignments.ts';
import { checkId, type ManageContext, type Put, reader, requireOrganization, requireWorkspace } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { type EnvironmentDoc, lists, type ResourceDoc, type WorkspaceDoc } from './records.ts';
import { conflict, notFound, unacceptable } from './rejection.ts';

export async function putWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  input: { readonly name: string; readonly owner: string },
): Promise<Drafted<Put<WorkspaceDoc>>> {
  checkId(id, 'id');
  return change(context.store, org, async (draft) => {
    await requireOrganization(draft, org);
    const before = await draft.get('workspace', workspaceKey(org, id));
    if (before !== null && before.ownerId !== input.owner) {
      throw conflict(
        'owner_fixed',
        `${id} belongs to ${before.ownerId}; ownership changes through POST …/transfer, which ends tokens.`,
      );
    }
    await requireOwner(draft, org, input.owner);
    const item = {
      organizationId: org,
      id,
      name: input.name,
      ownerId: input.owner,
      createdAtMs: before?.createdAtMs ?? context.nowMs(),
    };
    draft.put('workspace', item);
    return { created: before === null, item };
  });
}

export async function patchWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  patch: { readonly name?: string },
): Promise<Drafted<WorkspaceDoc>> {
  return change(context.store, org, async (draft) => {
    const item = { ...(await requireWorkspace(draft, org, id)), ...patch };
    draft.put('workspace', item);
    return item;
  });
}

export async function getWorkspace(context: ManageContext, org: string, id: string): Promise<WorkspaceDoc> {
  return requireWorkspace(reader(context.store), org, id);
}

/** Tokens that list it lose it, so that a later workspace of the same id is not theirs. */
export async function deleteWorkspace(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireWorkspace(draft, org, id);
    for (const { key } of await draft.all('environment', lists.environments(org, id))) draft.delete(key);
    for (const { key } of await draft.all('resource', lists.resources(org, id))) draft.delete(key);
    for (const kind of ['member', 'team', 'account'] as const) {
      for (const { key, doc } of await draft.all(kind, lists.assigned(org, id))) {
        if (kindOf(key) === kind) draft.put(kind, { ...doc, assignments: without(doc.assignments, id) });
      }
    }
    for (const { doc } of await draft.all('token', lists.tokensListing(org, id))) {
      const workspaces = (doc.workspaces as readonly string[]).filter((other) => other !== id);
      draft.put('token', { ...doc, workspaces, roles: without(doc.roles, id) });
    }
    draft.delete(workspaceKey(org, id));
  });
}

/** Environment ids are unique in the organization: a request names one without its workspace. */
export async function putEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
  input: { readonly name: string },
): Promise<Drafted<Put<EnvironmentDoc>>> {
  checkId(id, 'id');
  return change(context.store, org, async (draft) => {
    await requireWorkspace(draft, org, workspaceId);
    const before = await draft.get('environment', environmentKey(org, id));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `Environment ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    const item = { organizationId: org, workspaceId, id, name: input.name };
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
  await requireWorkspace(draft, org, workspaceId);
  return requireEnvironment(draft, org, workspaceId, id);
}

export async function deleteEnvironment(
  context: ManageContext,
  org: string,
  workspaceId: string,
  id: string,
): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireWorkspace(draft, org, workspaceId);
    await requireEnvironment(draft, org, workspaceId, id);
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
  return change(context.store, org, async (draft) => {
    await requireWorkspace(draft, org, workspaceId);
    const before = await draft.get('resource', resourceKey(org, type, id));
    if (before !== null && before.workspaceId !== workspaceId) {
      throw conflict(
        'id_taken',
        `${type} ${id} already belongs to another workspace; ids are unique in the organization.`,
      );
    }
    const collaborators = [...new Set(input.collaborators)];
    const item = { organizationId: org, workspaceId, type, id, ownerId: input.owner, collaborators };
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
  await requireWorkspace(draft, org, workspaceId);
  return requireResource(draft, org, workspaceId, type, id);
}

export async function deleteResource(
  context: ManageContext,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<Drafted<void>> {
  return change(context.store, org, async (draft) => {
    await requireWorkspace(draft, org, workspaceId);
    await requireResource(draft, org, workspaceId, type, id);
    draft.delete(resourceKey(org, type, id));
  });
}

async function requireEnvironment(
  draft: Pick<Draft, 'get'>,
  org: string,
  workspaceId: string,
  id: string,
): Promise<EnvironmentDoc> {
  const environment = await draft.get('environment', environmentKey(org, id));
  if (environment === null || environment.workspaceId !== workspaceId) throw notFound('environment', id);
  return environment;
}

async function requireResource(
  draft: Pick<Draft, 'get'>,
  org: string,
  workspaceId: string,
  type: string,
  id: string,
): Promise<ResourceDoc> {
  const resource = await draft.get('resource', resourceKey(org, type, id));
  if (resource === null || resource.workspaceId !== workspaceId) throw notFound(type, id);
  return resource;
}

async function requireOwner(draft: Draft, org: string, owner: string): Promise<void> {
  if ((await draft.get('member', memberKey(org, owner))) === null) {
    throw unacceptable('owner_unknown', 'owner', `There is no member ${JSON.stringify(owner)} in this organization.`);
  }
}
