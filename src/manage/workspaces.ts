/** Workspaces: made, changed, handed over and deleted, with what that takes along. */
import { workspaceKey } from '../core/facts.ts';
import { kindOf } from '../core/read-fact.ts';
import { requireAdministrator, requirePerson, requireWorkspaceAdmin } from './actor.ts';
import { without } from './assignments.ts';
import {
  administerWorkspace,
  checkId,
  enter,
  type ManageContext,
  type Put,
  reader,
  requireKnownWorkspace,
  visitWorkspace,
} from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { requireOwner } from './members.ts';
import { lists } from './places.ts';
import type { WorkspaceDoc } from './records.ts';
import { conflict } from './rejection.ts';

export async function putWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  input: { readonly name: string; readonly owner: string },
): Promise<Drafted<Put<WorkspaceDoc>>> {
  checkId(id, 'id');
  return change(context, org, async (draft) => {
    const { rights } = await enter(context, draft, org);
    const before = await draft.get('workspace', workspaceKey(org, id));
    if (before !== null) await requireWorkspaceAdmin(draft, rights, before, 'change it');
    else if (rights.member?.id !== input.owner) requireAdministrator(rights, 'create workspaces for others');
    requirePerson(rights, 'create workspaces');
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
      transferredAtMs: before?.transferredAtMs ?? null,
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
  return change(context, org, async (draft) => {
    const item = { ...(await administerWorkspace(context, draft, org, id, 'change it')), ...patch };
    draft.put('workspace', item);
    return item;
  });
}

export async function getWorkspace(context: ManageContext, org: string, id: string): Promise<WorkspaceDoc> {
  return visitWorkspace(context, reader(context.store), org, id);
}

/** Tokens that list it lose it, so that a later workspace of the same id is not theirs. */
export async function deleteWorkspace(context: ManageContext, org: string, id: string): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    const { rights } = await enter(context, draft, org);
    const before = await requireKnownWorkspace(draft, rights, org, id);
    // As with a transfer: whoever could delete it and make it anew would have taken it over.
    if (rights.member?.id !== before.ownerId) requireAdministrator(rights, "delete somebody else's workspace");
    requirePerson(rights, 'delete workspaces');
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

/** What a transfer of ownership takes with it. */
export interface TransferCascade {
  /** Tokens that list the workspace and die whole (COZE-PAT-7, COZE-SAT-6). */
  readonly revokedTokens: readonly string[];
  /** Tokens that list it and go on. */
  readonly keptTokens: readonly string[];
}

/** An all-grant is not touched: it is judged on every request, and only loses this workspace. */
export async function transferWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  owner: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<Drafted<{ readonly item: WorkspaceDoc; readonly cascade: TransferCascade }>> {
  const work = async (draft: Draft) => {
    const { organization, rights } = await enter(context, draft, org);
    const before = await requireKnownWorkspace(draft, rights, org, id);
    if (rights.member?.id !== before.ownerId) requireAdministrator(rights, "transfer somebody else's workspace");
    requirePerson(rights, 'transfer workspaces');
    await requireOwner(draft, org, owner);
    const item = {
      ...before,
      ownerId: owner,
      transferredAtMs: owner === before.ownerId ? before.transferredAtMs : context.nowMs(),
    };
    draft.put('workspace', item);
    const revokedTokens: string[] = [];
    const keptTokens: string[] = [];
    for (const { doc } of owner === before.ownerId ? [] : await draft.all('token', lists.tokensListing(org, id))) {
      if (doc.state === 'revoked') continue;
      const dies = context.policy().kinds.get(doc.kind)?.revokedByTransferInEditions.has(organization.edition) === true;
      if (dies) draft.put('token', { ...doc, state: 'revoked', stateReason: 'ownership_transferred' });
      (dies ? revokedTokens : keptTokens).push(doc.id);
    }
    return { item, cascade: { revokedTokens, keptTokens } };
  };
  return change(context, org, work, options);
}
