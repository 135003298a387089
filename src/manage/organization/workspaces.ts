/** Workspaces: made, changed, handed over and deleted, with what that takes along. */
import { tokensFrom } from '../../core/decide.ts';
import { type Edition, workspaceKey } from '../../core/facts.ts';
import { requireAdministrator, requirePerson } from '../actor.ts';
import { actorView } from '../audit.ts';
import {
  checkId,
  enter,
  type ManageContext,
  type Put,
  reader,
  requireKnownWorkspace,
  visitWorkspace,
} from '../context.ts';
import { requireDisposal, requireWorkspaceManager } from '../granting.ts';
import { everyOne } from '../listing.ts';
import { conflict } from '../rejection.ts';
import { cleanUpSoon, leaveCleanup, requireCleanedUp, requireUnused } from '../unit-of-work/cleanup.ts';
import { lists } from '../unit-of-work/places.ts';
import type { WorkspaceDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';
import { requireOwner } from './members.ts';

export async function putWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  input: { readonly name: string; readonly owner: string },
): Promise<WorkResult<Put<WorkspaceDoc>>> {
  checkId(id, 'id');
  await requireCleanedUp(context, 'workspace', workspaceKey(org, id));
  return change(context, org, async (unit) => {
    const { rights } = await enter(context, unit, org);
    await requireUnused(unit, 'workspace', workspaceKey(org, id));
    const before = await unit.get('workspace', workspaceKey(org, id));
    if (before !== null) await requireWorkspaceManager(unit, context.policy(), rights, before, 'change it');
    else if (rights.member?.id !== input.owner) requireAdministrator(rights, 'create workspaces for others');
    requirePerson(rights, 'create workspaces');
    requireName(input.name);
    const owner = await requireOwner(unit, org, input.owner);
    if (before !== null && (before.ownerId !== input.owner || before.ownerGeneration !== owner.generation)) {
      throw conflict(
        'owner_fixed',
        `${id} belongs to ${before.ownerId}; ownership changes through POST …/transfer, which ends tokens.`,
      );
    }
    const item: WorkspaceDoc = {
      organizationId: org,
      id,
      generation: before?.generation ?? unit.generation,
      name: input.name,
      ownerId: owner.id,
      ownerGeneration: owner.generation,
      createdAtMs: before?.createdAtMs ?? context.nowMs(),
      transferredIn: before?.transferredIn ?? null,
      tokensFrom: before?.tokensFrom ?? [],
      deletedAtMs: null,
    };
    unit.put('workspace', item);
    return { created: before === null, item };
  });
}

export async function patchWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  patch: { readonly name?: string },
): Promise<WorkResult<WorkspaceDoc>> {
  return change(context, org, async (unit) => {
    const { rights } = await enter(context, unit, org);
    const before = await requireKnownWorkspace(unit, rights, org, id);
    await requireWorkspaceManager(unit, context.policy(), rights, before, 'change it');
    if (patch.name !== undefined) requireName(patch.name);
    const item = { ...before, ...patch };
    unit.put('workspace', item);
    return item;
  });
}

export async function getWorkspace(context: ManageContext, org: string, id: string): Promise<WorkspaceDoc> {
  return visitWorkspace(context, reader(context.store), org, id);
}

/** Whatever names it, names it by its generation, and loses it at once; a later workspace of the same id is not theirs. */
export async function deleteWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<WorkResult<WorkspaceCascade>> {
  const work = async (unit: UnitOfWork) => {
    const { rights } = await enter(context, unit, org);
    const before = await requireKnownWorkspace(unit, rights, org, id);
    await requireDisposal(unit, context.policy(), rights, before, 'delete a workspace');
    unit.put('workspace', { ...before, deletedAtMs: context.nowMs() });
    const cascade = await leftBy(context, before);
    const actor = actorView(context.actor);
    return { cascade, job: leaveCleanup(unit, { organizationId: org, what: 'workspace', id, actor }) };
  };
  const { value, revision } = await change(context, org, work, { ...options, ends: true });
  if (options.dryRun !== true) await cleanUpSoon(context, value.job);
  return { value: value.cascade, revision };
}

/** What the deletion of a workspace takes with it. */
export interface WorkspaceCascade {
  /** Tokens that list no other workspace, and so reach none any more. */
  readonly strandedTokens: readonly string[];
  /** Tokens that keep the others that they list. */
  readonly narrowedTokens: readonly string[];
  readonly environments: readonly string[];
}

async function leftBy({ store }: ManageContext, { organizationId: org, id, generation }: WorkspaceDoc) {
  const cascade = { strandedTokens: [] as string[], narrowedTokens: [] as string[], environments: [] as string[] };
  for await (const doc of everyOne(store, 'token', lists.tokensListing(org, id))) {
    const listed = typeof doc.workspaces === 'string' ? [] : doc.workspaces;
    if (doc.state === 'revoked' || !listed.some(([each, made]) => each === id && made === generation)) continue;
    (listed.length === 1 ? cascade.strandedTokens : cascade.narrowedTokens).push(doc.id);
  }
  for await (const doc of everyOne(store, 'environment', lists.environments(org, id)))
    cascade.environments.push(doc.id);
  return cascade;
}

/** What a transfer of ownership takes with it. */
export interface TransferCascade {
  /** Tokens that list the workspace and die whole (COZE-PAT-7, COZE-SAT-6). */
  readonly revokedTokens: readonly string[];
  /** Tokens that list it and go on. */
  readonly keptTokens: readonly string[];
}

/**
 * The workspace remembers from which change on tokens of each kind may list it: earlier ones end with that, however many.
 * An all-grant is not touched: it is judged on every request, and only loses this workspace.
 */
export async function transferWorkspace(
  context: ManageContext,
  org: string,
  id: string,
  owner: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<WorkResult<{ readonly item: WorkspaceDoc; readonly cascade: TransferCascade }>> {
  const work = async (unit: UnitOfWork) => {
    const { organization, rights } = await enter(context, unit, org);
    const before = await requireKnownWorkspace(unit, rights, org, id);
    await requireDisposal(unit, context.policy(), rights, before, 'transfer a workspace');
    const { id: ownerId, generation: ownerGeneration } = await requireOwner(unit, org, owner);
    if (ownerId === before.ownerId && ownerGeneration === before.ownerGeneration)
      return { before, item: before, ended: new Set<string>(), job: null };
    const ended = endedKinds(context, organization.edition);
    const item: WorkspaceDoc = {
      ...before,
      ownerId,
      ownerGeneration,
      transferredIn: unit.generation,
      tokensFrom: [
        ...before.tokensFrom.filter(([kind]) => !ended.has(kind)),
        ...Array.from(ended, (kind) => [kind, unit.generation] as const),
      ],
    };
    unit.put('workspace', item);
    const job = leaveCleanup(unit, { organizationId: org, what: 'transfer', id, actor: actorView(context.actor) });
    return { before, item, ended, job };
  };
  const { value, revision } = await change(context, org, work, { ...options, ends: true, grows: true });
  const cascade = value.job === null ? NOTHING : await cascadeOf(context, value.before, value.ended);
  if (value.job !== null && options.dryRun !== true) await cleanUpSoon(context, value.job);
  return { value: { item: value.item, cascade }, revision };
}

const NOTHING: TransferCascade = { revokedTokens: [], keptTokens: [] };

function endedKinds(context: ManageContext, edition: Edition): ReadonlySet<string> {
  const kinds = [...context.policy().kinds.values()].filter((kind) => kind.revokedByTransferInEditions.has(edition));
  return new Set(kinds.map(({ name }) => name));
}

/** `before`: the workspace as it was. */
async function cascadeOf(
  { store }: ManageContext,
  before: WorkspaceDoc,
  ended: ReadonlySet<string>,
): Promise<TransferCascade> {
  const revokedTokens: string[] = [];
  const keptTokens: string[] = [];
  for await (const doc of everyOne(store, 'token', lists.tokensListing(before.organizationId, before.id)))
    if (doc.state !== 'revoked' && doc.generation >= tokensFrom(before, doc.kind))
      (ended.has(doc.kind) ? revokedTokens : keptTokens).push(doc.id);
  return { revokedTokens, keptTokens };
}
