/**
 * Service accounts: machine identities of an organization (SCRYDON-1..18). Secrets are shown once, on creation and
 * rotation; a rotation ends the old one at once. Disabling and deleting stop issuance only: tokens already issued
 * drain, unless they are revoked with it.
 */
import { accountKey } from '../core/facts.ts';
import { CLIENT_SECRET_PREFIX } from '../core/policy.ts';
import { mintToken, randomText } from '../secret.ts';
import { requireAdministrator } from './actor.ts';
import { enter, type ManageContext, reader } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { requireKnownScope } from './grants.ts';
import { list, type Page } from './listing.ts';
import { clientKey, lists } from './places.ts';
import type { AccountDoc, DocReader, OrganizationDoc } from './records.ts';
import { conflict, notFound } from './rejection.ts';
import { removeToken } from './token-changes.ts';

export interface AccountInput {
  readonly name: string;
  readonly scopes: readonly string[];
}

export interface CreatedAccount {
  readonly doc: AccountDoc;
  /** The only time it is shown. */
  readonly clientSecret: string;
}

export async function createAccount(
  context: ManageContext,
  org: string,
  input: AccountInput,
): Promise<Drafted<CreatedAccount>> {
  return change(context, org, async (draft) => {
    const { edition } = await administer(context, draft, org);
    requireAccounts(context);
    for (const scope of input.scopes) requireKnownScope(context.policy(), scope);
    const secret = mintToken(CLIENT_SECRET_PREFIX);
    const doc: AccountDoc = {
      organizationId: org,
      edition,
      clientId: `sa_${randomText(24)}`,
      name: input.name,
      scopes: [...new Set(input.scopes)],
      secretHash: secret.hash(),
      assignments: [],
      state: 'active',
      deletedAtMs: null,
      createdBy: context.actor.kind === 'operator' ? null : context.actor.id,
      createdAtMs: context.nowMs(),
    };
    draft.put('account', doc);
    draft.put('client', { organizationId: org, clientId: doc.clientId });
    return { doc, clientSecret: secret.reveal() };
  });
}

export async function listAccounts(
  context: ManageContext,
  org: string,
  page: { readonly limit: number; readonly cursor: string | null },
): Promise<Page<AccountDoc>> {
  await administer(context, reader(context.store), org);
  return list(context.store, 'account', lists.accounts(org), page);
}

export async function getAccount(context: ManageContext, org: string, clientId: string): Promise<AccountDoc> {
  await administer(context, reader(context.store), org);
  return requireAccount(reader(context.store), org, clientId);
}

export async function patchAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  patch: Partial<AccountInput>,
): Promise<Drafted<AccountDoc>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const before = await requireAccount(draft, org, clientId);
    for (const scope of patch.scopes ?? []) requireKnownScope(context.policy(), scope);
    const item = { ...before, ...patch };
    draft.put('account', item);
    return item;
  });
}

export async function rotateSecret(
  context: ManageContext,
  org: string,
  clientId: string,
): Promise<Drafted<CreatedAccount>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const before = await requireAccount(draft, org, clientId);
    const secret = mintToken(CLIENT_SECRET_PREFIX);
    const doc = { ...before, secretHash: secret.hash() };
    draft.put('account', doc);
    return { doc, clientSecret: secret.reveal() };
  });
}

export async function setAccountState(
  context: ManageContext,
  org: string,
  clientId: string,
  state: 'active' | 'disabled',
  revokeTokens: boolean,
): Promise<Drafted<AccountDoc>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const item: AccountDoc = { ...(await requireAccount(draft, org, clientId)), state };
    draft.put('account', item);
    if (revokeTokens) await endTokens(draft, org, clientId);
    return item;
  });
}

/** A deleted account keeps its roles for the minutes that its tokens may still live; the purge removes it. */
export async function deleteAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  revokeTokens: boolean,
): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const before = await requireAccount(draft, org, clientId);
    draft.put('account', { ...before, state: 'deleted', deletedAtMs: context.nowMs() });
    draft.delete(clientKey(clientId));
    if (revokeTokens) await endTokens(draft, org, clientId);
  });
}

export async function revokeAccountTokens(
  context: ManageContext,
  org: string,
  clientId: string,
): Promise<Drafted<void>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    await requireAccount(draft, org, clientId);
    await endTokens(draft, org, clientId);
  });
}

async function endTokens(draft: Draft, org: string, clientId: string): Promise<void> {
  for (const { doc } of await draft.all('token', lists.tokensOfClient(org, clientId)))
    await removeToken(draft, org, doc.id);
}

/** Organization admins manage service accounts (SCRYDON-4). */
async function administer(context: ManageContext, draft: DocReader, org: string): Promise<OrganizationDoc> {
  const { organization, rights } = await enter(context, draft, org);
  requireAdministrator(rights, 'manage service accounts');
  return organization;
}

async function requireAccount(draft: DocReader, org: string, clientId: string): Promise<AccountDoc> {
  const account = await draft.get('account', accountKey(org, clientId));
  if (account === null || account.state === 'deleted') throw notFound('service account', clientId);
  return account;
}

function requireAccounts(context: ManageContext): void {
  const { serviceAccounts, name } = context.policy();
  if (serviceAccounts === null) throw conflict('no_service_accounts', `The policy ${name} has no service accounts.`);
}
