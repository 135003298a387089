/** What management needs of the world, and its doors: an organization or a workspace, for whoever may be there. */
import { isId, organizationKey, workspaceKey } from '../core/facts.ts';
import type { Policy } from '../core/policy.ts';
import { withoutTokens } from '../core/token-format.ts';
import type { Store } from '../store/store.ts';
import { type Actor, joinedRole, type Rights, requirePerson, rightsIn } from './actor.ts';
import { requireWorkspaceAdmin } from './granting.ts';
import { malformed, notFound } from './rejection.ts';
import type { FullReader } from './tokens/standing.ts';
import {
  type DocKind,
  type DocReader,
  isDeleted,
  type OrganizationDoc,
  type WorkspaceDoc,
} from './unit-of-work/records.ts';
import { getDoc } from './unit-of-work/stored-docs.ts';

export interface ManageContext {
  readonly store: Store;
  readonly policy: () => Policy;
  readonly nowMs: () => number;
  /** On whose behalf. */
  readonly actor: Actor;
}

/** A PUT's answer: `created` tells 201 from 200. */
export interface Put<T> {
  readonly created: boolean;
  readonly item: T;
}

export async function requireOrganization(unit: DocReader, id: string): Promise<OrganizationDoc> {
  const organization = await unit.get('organization', organizationKey(id));
  if (organization === null) throw notFound('organization', id);
  return organization;
}

/** Within an organization that has been entered. */
export async function requireWorkspace(unit: DocReader, org: string, id: string): Promise<WorkspaceDoc> {
  const workspace = await unit.get('workspace', workspaceKey(org, id));
  if (workspace === null) throw notFound('workspace', id);
  return workspace;
}

/** As an organization shows it to this actor: in a crowd of strangers only those who joined a workspace know of it. */
export async function requireKnownWorkspace(
  unit: DocReader,
  { member }: Rights,
  org: string,
  id: string,
): Promise<WorkspaceDoc> {
  const workspace = await requireWorkspace(unit, org, id);
  if (member?.edition === 'personal' && (await joinedRole(unit, member, workspace)) === null)
    throw notFound('workspace', id);
  return workspace;
}

/** What ids look like, for whoever gave something else. */
export const ID_FORM = '1 to 128 letters, digits, ".", "_", "@", "|" or "-", starting with a letter or digit';

/** 400: an id that could never exist. */
export function checkId(id: string, field: string): void {
  if (withoutTokens(id) !== id) throw malformed('invalid_id', `${field} is a token; an id is no secret.`, field);
  if (!isId(id)) throw malformed('invalid_id', `${field} must be ${ID_FORM}.`, field);
}

/** A read outside any unit of work: what a GET answers. */
export function reader(store: Store): FullReader {
  const getEvenDeleted = async <K extends DocKind>(kind: K, key: string) =>
    (await getDoc(store, kind, key))?.doc ?? null;
  const get = async <K extends DocKind>(kind: K, key: string) => {
    const doc = await getEvenDeleted(kind, key);
    return doc === null || isDeleted(kind, doc) ? null : doc;
  };
  return { get, getEvenDeleted };
}

/** The organization and what the actor may do in it; the first line of every rule. */
export async function enter(
  context: ManageContext,
  unit: FullReader,
  org: string,
): Promise<{ readonly organization: OrganizationDoc; readonly rights: Rights }> {
  // Rights first: a stranger learns nothing about which organizations exist.
  const rights = await rightsIn(unit, context.actor, context.policy(), org, context.nowMs());
  return { rights, organization: await requireOrganization(unit, org) };
}

/** The workspace, for its admins. */
export async function administerWorkspace(
  context: ManageContext,
  unit: FullReader,
  org: string,
  id: string,
  what: string,
): Promise<WorkspaceDoc> {
  const { rights } = await enter(context, unit, org);
  const workspace = await requireKnownWorkspace(unit, rights, org, id);
  await requireWorkspaceAdmin(unit, context.policy(), rights, workspace, what);
  return workspace;
}

/** The workspace, for any member of its organization who may know of it. */
export async function visitWorkspace(
  context: ManageContext,
  unit: FullReader,
  org: string,
  id: string,
): Promise<WorkspaceDoc> {
  const { rights } = await enter(context, unit, org);
  requirePerson(rights, 'read workspaces');
  return requireKnownWorkspace(unit, rights, org, id);
}
