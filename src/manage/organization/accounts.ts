/**
 * Service accounts: machine identities of an organization (SCRYDON-1..18). Secrets are shown once, on creation and
 * rotation; a rotation ends the old one at once. Disabling and deleting stop issuance only: tokens already issued
 * drain, unless they are revoked with it.
 */
import { type Assignments, accountKey, type Role, workspaceKey } from '../../core/facts.ts';
import { CLIENT_SECRET_PREFIX } from '../../core/policy.ts';
import { mintToken, randomText } from '../../secret.ts';
import { type Rights, requireAdministrator } from '../actor.ts';
import { actorView } from '../audit.ts';
import { enter, type ManageContext, reader } from '../context.ts';
import { requireMayActAs, requireMayGiveRoles, requireMayGiveScopes } from '../granting.ts';
import { list, type Page, type PageRequest } from '../listing.ts';
import { whoseNameHolds } from '../names.ts';
import { conflict, notFound, unacceptable } from '../rejection.ts';
import { requireKnownScope } from '../tokens/grants.ts';
import { type Issued, issuedTo } from '../tokens/issuance.ts';
import type { FullReader } from '../tokens/standing.ts';
import { cleanUpInBackground, leaveCleanup } from '../unit-of-work/cleanup.ts';
import { clientKey, lists } from '../unit-of-work/places.ts';
import type { AccountDoc, DocReader, OrganizationDoc } from '../unit-of-work/records.ts';
import { change, type UnitOfWork, type WorkResult } from '../unit-of-work/unit-of-work.ts';
import { requireName } from '../written-text.ts';
import { isFewer } from './members.ts';

export interface AccountInput {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** A role of an account in a workspace. */
export interface AccountRole {
  readonly workspace: string;
  readonly role: Role;
}

/** What the end of an account, or of its tokens, takes with it. */
export interface AccountCascade {
  /** Access tokens that end at once. */
  readonly endedTokens: number;
  /** Access tokens that live on until they expire. */
  readonly drainingTokens: number;
  /** Workspaces in which its role ends with it. */
  readonly lostRoles: readonly string[];
}

export interface CreatedAccount {
  readonly doc: AccountDoc;
  /** The only time it is shown. */
  readonly clientSecret: string;
}

export async function createAccount(
  context: ManageContext,
  org: string,
  input: AccountInput & { readonly roles?: readonly AccountRole[] },
): Promise<WorkResult<CreatedAccount>> {
  return change(context, org, async (unit) => {
    const { organization, rights } = await administer(context, unit, org);
    requireAccounts(context);
    requireName(input.name);
    requireScopes(context, input.scopes);
    requireMayGiveScopes(context.policy(), rights, new Set(), new Set(input.scopes));
    const assignments = await firstAssignments(unit, org, input.roles ?? []);
    await requireMayGiveRoles(unit, context.policy(), rights, org, assignments);
    const secret = mintToken(CLIENT_SECRET_PREFIX);
    const doc: AccountDoc = {
      organizationId: org,
      edition: organization.edition,
      clientId: `sa_${randomText(24)}`,
      name: input.name,
      scopes: [...new Set(input.scopes)],
      secretHash: secret.hash(),
      assignments,
      tokensFrom: unit.generation,
      state: 'active',
      deletedAtMs: null,
      createdBy: context.actor.kind === 'operator' ? null : context.actor.id,
      createdAtMs: context.nowMs(),
    };
    unit.put('account', doc);
    unit.put('client', { organizationId: org, clientId: doc.clientId });
    return { doc, clientSecret: secret.reveal() };
  });
}

/** The workspaces are named once each, and are there. */
async function firstAssignments(unit: DocReader, org: string, roles: readonly AccountRole[]): Promise<Assignments> {
  const found = new Map<string, Assignments[number]>();
  for (const { workspace: id, role } of roles) {
    const workspace = await unit.get('workspace', workspaceKey(org, id));
    if (workspace === null || found.has(id))
      throw unacceptable(
        'workspace_unknown',
        'roles',
        `roles names ${JSON.stringify(id)} ${workspace === null ? 'which is no workspace of this organization' : 'twice'}.`,
      );
    found.set(id, [id, role, workspace.generation]);
  }
  return [...found.values()];
}

/** An account with what people ask of it: its roles as they stand, and what it was issued. */
export interface KnownAccount {
  readonly doc: AccountDoc;
  readonly roles: readonly AccountRole[];
  readonly issued: Issued;
}

export async function listAccounts(
  context: ManageContext,
  org: string,
  page: PageRequest,
  name?: string,
): Promise<Page<KnownAccount>> {
  await administer(context, reader(context.store), org);
  const wanted = whoseNameHolds(name);
  const pick = (doc: AccountDoc) => (wanted(doc.name, doc.clientId) ? doc : null);
  const { items, nextCursor } = await list(context.store, 'account', lists.accounts(org), { ...page, pick });
  return { items: await Promise.all(items.map((doc) => asKnown(context, doc))), nextCursor };
}

export async function getAccount(context: ManageContext, org: string, clientId: string): Promise<KnownAccount> {
  await administer(context, reader(context.store), org);
  return asKnown(context, await requireAccount(reader(context.store), org, clientId));
}

async function asKnown(context: ManageContext, doc: AccountDoc): Promise<KnownAccount> {
  const unit = reader(context.store);
  const roles: AccountRole[] = [];
  for (const [workspace, role, generation] of doc.assignments) {
    const found = await unit.get('workspace', workspaceKey(doc.organizationId, workspace));
    if (found?.generation === generation) roles.push({ workspace, role });
  }
  return { doc, roles, issued: await issuedTo(context.store, doc, context.nowMs()) };
}

export async function patchAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  patch: Partial<AccountInput>,
): Promise<WorkResult<AccountDoc>> {
  return change(context, org, async (unit) => {
    const { rights } = await administer(context, unit, org);
    const before = await requireAccount(unit, org, clientId);
    if (patch.name !== undefined) requireName(patch.name);
    if (patch.scopes !== undefined) requireScopes(context, patch.scopes);
    requireMayGiveScopes(context.policy(), rights, new Set(before.scopes), new Set(patch.scopes));
    const item = { ...before, ...patch };
    if (isFewer(item.scopes, before.scopes)) unit.ends();
    unit.put('account', item);
    return item;
  });
}

export async function rotateSecret(
  context: ManageContext,
  org: string,
  clientId: string,
): Promise<WorkResult<CreatedAccount>> {
  return change(context, org, async (unit) => {
    const { rights } = await administer(context, unit, org);
    const before = await requireAccount(unit, org, clientId);
    await requireMayActAs(unit, context.policy(), rights, before);
    const secret = mintToken(CLIENT_SECRET_PREFIX);
    const doc = { ...before, secretHash: secret.hash() };
    unit.put('account', doc);
    return { doc, clientSecret: secret.reveal() };
  });
}

export async function setAccountState(
  context: ManageContext,
  org: string,
  clientId: string,
  state: 'active' | 'disabled',
  end: AccountEnd,
): Promise<WorkResult<EndedAccount>> {
  const work = (before: AccountDoc): AccountDoc => ({ ...before, state });
  return changeAccount(context, org, clientId, work, { ends: state === 'disabled', ...end });
}

/** A deleted account keeps its roles for the minutes that its tokens may still live; the purge removes it. */
export async function deleteAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  end: AccountEnd,
): Promise<WorkResult<AccountCascade>> {
  const work = (before: AccountDoc, unit: UnitOfWork): AccountDoc => {
    unit.delete(clientKey(clientId));
    return { ...before, state: 'deleted', deletedAtMs: context.nowMs() };
  };
  const { value, revision } = await changeAccount(context, org, clientId, work, { ends: true, ...end });
  return { value: value.cascade, revision };
}

/** Also what a deleted account was issued, which lives on until it expires (SCRYDON-17). */
export async function revokeAccountTokens(
  context: ManageContext,
  org: string,
  clientId: string,
  dryRun = false,
): Promise<WorkResult<AccountCascade>> {
  const same = (before: AccountDoc) => before;
  const { value, revision } = await changeAccount(context, org, clientId, same, {
    ...{ ends: true, revokeTokens: true, keepsDeleted: true, dryRun },
  });
  return { value: value.cascade, revision };
}

/** How an account ends, or stops for a while. */
export interface AccountEnd {
  readonly revokeTokens: boolean;
  /** Says what it would take with it, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface EndedAccount {
  readonly doc: AccountDoc;
  readonly cascade: AccountCascade;
}

interface AccountChange extends AccountEnd {
  readonly ends: boolean;
  /** Also of a deleted account, as long as something is left of it. */
  readonly keepsDeleted?: boolean;
}

/**
 * `revokeTokens`: all that the account was issued up to now end with this change, however many: the decision compares
 * generations, and whoever issues one meanwhile is refused, because the account has changed.
 */
async function changeAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  work: (before: AccountDoc, unit: UnitOfWork) => AccountDoc,
  { ends, revokeTokens, dryRun = false, keepsDeleted = false }: AccountChange,
): Promise<WorkResult<EndedAccount>> {
  const worked = async (unit: UnitOfWork) => {
    await administer(context, unit, org);
    const before = await (keepsDeleted ? requireAccountEvenDeleted : requireAccount)(unit, org, clientId);
    const after = work(before, unit);
    const doc = revokeTokens ? { ...after, tokensFrom: unit.generation } : after;
    const cascade = cascadeOf(await asKnown(context, before), doc, revokeTokens);
    unit.put('account', doc);
    if (!revokeTokens) return { doc, cascade, job: null };
    unit.note({ action: 'service-account.tokens-revoked', target: { type: 'service-account', id: clientId } });
    const actor = actorView(context.actor);
    return { doc, cascade, job: leaveCleanup(unit, { organizationId: org, what: 'account', id: clientId, actor }) };
  };
  const { value, revision } = await change(context, org, worked, { ends, dryRun });
  // Nobody waits for it: what is left are records that nothing can use.
  if (value.job !== null && !dryRun) void cleanUpInBackground(context, value.job);
  return { value, revision };
}

function cascadeOf({ roles, issued }: KnownAccount, after: AccountDoc, revokeTokens: boolean): AccountCascade {
  return {
    endedTokens: revokeTokens ? issued.live : 0,
    drainingTokens: revokeTokens ? 0 : issued.live,
    lostRoles: after.state === 'deleted' ? roles.map(({ workspace }) => workspace) : [],
  };
}

/** Organization admins manage service accounts (SCRYDON-4). */
async function administer(
  context: ManageContext,
  unit: FullReader,
  org: string,
): Promise<{ readonly organization: OrganizationDoc; readonly rights: Rights }> {
  const entered = await enter(context, unit, org);
  requireAdministrator(entered.rights, 'manage service accounts');
  return entered;
}

async function requireAccount(unit: DocReader, org: string, clientId: string): Promise<AccountDoc> {
  const account = await requireAccountEvenDeleted(unit, org, clientId);
  if (account.state === 'deleted') throw notFound('service account', clientId);
  return account;
}

async function requireAccountEvenDeleted(unit: DocReader, org: string, clientId: string): Promise<AccountDoc> {
  const account = await unit.get('account', accountKey(org, clientId));
  if (account === null) throw notFound('service account', clientId);
  return account;
}

/** Without any it could ask for nothing. */
function requireScopes(context: ManageContext, scopes: readonly string[]): void {
  if (scopes.length === 0) throw unacceptable('scopes_required', 'scopes', 'A service account needs scopes.');
  for (const scope of scopes) requireKnownScope(context.policy(), scope);
}

function requireAccounts(context: ManageContext): void {
  const { serviceAccounts, name } = context.policy();
  if (serviceAccounts === null) throw conflict('no_service_accounts', `The policy ${name} has no service accounts.`);
}
