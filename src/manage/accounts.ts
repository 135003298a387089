/**
 * Service accounts: machine identities of an organization (SCRYDON-1..18). Secrets are shown once, on creation and
 * rotation; a rotation ends the old one at once. Disabling and deleting stop issuance only: tokens already issued
 * drain, unless they are revoked with it.
 */
import { accountKey, tokenKey } from '../core/facts.ts';
import { CLIENT_SECRET_PREFIX } from '../core/policy.ts';
import { mintToken, randomText } from '../secret.ts';
import { requireAdministrator } from './actor.ts';
import { enter, type ManageContext, reader } from './context.ts';
import { change, type Draft, type Drafted } from './draft.ts';
import { list, type Page } from './listing.ts';
import { clientKey, lists } from './places.ts';
import type { AccountDoc, DocReader, OrganizationDoc } from './records.ts';
import { conflict, notFound, unacceptable } from './rejection.ts';

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
    checkAccountScopes(context, input.scopes);
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
    if (patch.scopes !== undefined) checkAccountScopes(context, patch.scopes);
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

export interface Ended<T> {
  readonly item: T;
  /** Access tokens that stopped working with it. */
  readonly revokedTokens: number;
}

export async function setAccountState(
  context: ManageContext,
  org: string,
  clientId: string,
  state: 'active' | 'disabled',
  revokeTokens: boolean,
): Promise<Drafted<Ended<AccountDoc>>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const item: AccountDoc = { ...(await requireAccount(draft, org, clientId)), state };
    draft.put('account', item);
    return { item, revokedTokens: revokeTokens ? await endTokens(draft, org, clientId) : 0 };
  });
}

/** A deleted account keeps its roles for the minutes that its tokens may still live; the purge removes it. */
export async function deleteAccount(
  context: ManageContext,
  org: string,
  clientId: string,
  revokeTokens: boolean,
): Promise<Drafted<Ended<null>>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    const before = await requireAccount(draft, org, clientId);
    draft.put('account', { ...before, state: 'deleted', deletedAtMs: context.nowMs() });
    draft.delete(clientKey(clientId));
    return { item: null, revokedTokens: revokeTokens ? await endTokens(draft, org, clientId) : 0 };
  });
}

export async function revokeAccountTokens(
  context: ManageContext,
  org: string,
  clientId: string,
): Promise<Drafted<number>> {
  return change(context, org, async (draft) => {
    await administer(context, draft, org);
    await requireAccount(draft, org, clientId);
    return endTokens(draft, org, clientId);
  });
}

async function endTokens(draft: Draft, org: string, clientId: string): Promise<number> {
  const tokens = await draft.all('token', lists.tokensOfClient(org, clientId));
  for (const { doc } of tokens) {
    for (const { key } of await draft.all('credential', lists.credentialsOf(org, doc.id))) draft.delete(key);
    draft.delete(tokenKey(org, doc.id));
  }
  return tokens.length;
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

function checkAccountScopes(context: ManageContext, scopes: readonly string[]): void {
  const known = context.policy().scopes;
  const unknown = scopes.find((scope) => !known.has(scope));
  if (unknown !== undefined)
    throw unacceptable('scope_unknown', 'scopes', `The policy knows no scope ${JSON.stringify(unknown)}.`);
}
