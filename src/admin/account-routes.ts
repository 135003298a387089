/** Service accounts over HTTP. Parses and renders; the rules are in manage/. */
import type { Static } from 'typebox';
import {
  type AccountEnd,
  createAccount,
  deleteAccount,
  getAccount,
  listAccounts,
  patchAccount,
  revokeAccountTokens,
  rotateSecret,
  setAccountState,
} from '../manage/organization/accounts.ts';
import { ACCOUNT, REVISION } from './examples.ts';
import { readPage, showPage } from './paging.ts';
import {
  AccountAnswer,
  AccountListAnswer,
  AccountWithTokensAnswer,
  CreatedAccountAnswer,
  DisabledAccountAnswer,
  EndedAccountAnswer,
} from './response-schemas.ts';
import { type AdminRoute, Created, route } from './route.ts';
import {
  AccountBody,
  AccountParams,
  AccountPatchBody,
  DryRunQuery,
  NamedPageQuery,
  OrganizationParams,
  TokensQuery,
} from './schemas.ts';
import { accountView, knownAccountView } from './views.ts';

const all = { path: '/v1/organizations/:org/service-accounts', params: OrganizationParams, tag: 'service accounts' };
const one = { path: `${all.path}/:clientId`, params: AccountParams, tag: all.tag };
const description = 'For administrators of the organization.';
const issuedBefore =
  'Access tokens already issued live on until they expire, unless tokens=revoke. With dryRun=true it says how many that are, and changes nothing.';
const KNOWN = {
  ...ACCOUNT,
  roles: [{ workspace: 'w1', role: 'member' }],
  tokens: { live: 1, issued: 12, lastIssuedAt: '2030-01-01T09:30:00.000Z' },
};
const CASCADE = { endedTokens: 0, drainingTokens: 1, lostRoles: [] };

/** Of a call that may only ask what it would take with it. */
function ended({ dryRun, tokens }: Static<typeof TokensQuery>): AccountEnd & { readonly dryRun: boolean } {
  return { dryRun: dryRun === 'true', revokeTokens: tokens === 'revoke' };
}

/** A dry run has made no change, and so has no number of one. */
const changed = (dryRun: boolean, revision: number) => (dryRun ? { dryRun } : { dryRun, revision });

const recordRoutes: readonly AdminRoute[] = [
  route({
    ...all,
    id: 'createServiceAccount',
    method: 'POST',
    summary: 'Create a service account; its secret is shown this once',
    description,
    body: AccountBody,
    answer: CreatedAccountAnswer,
    errors: { 409: ['no_service_accounts'], 422: ['scopes_required', 'scope_unknown', 'workspace_unknown'] },
    example: {
      body: { name: 'importer', scopes: ['bot:read'], roles: [{ workspace: 'w1', role: 'member' }] },
      answer: { ...ACCOUNT, clientSecret: 'scs_…', ...REVISION },
    },
    async run({ manage, params, body }) {
      const { value, revision } = await createAccount(manage, params.org, body);
      return new Created({ ...accountView(value.doc), clientSecret: value.clientSecret, revision });
    },
  }),
  route({
    ...all,
    id: 'listServiceAccounts',
    method: 'GET',
    summary: 'List the service accounts of an organization, and what they were issued',
    description,
    query: NamedPageQuery,
    answer: AccountListAnswer,
    example: { answer: { items: [KNOWN], nextCursor: null } },
    run: async ({ manage, params, query: { name, ...page } }) =>
      showPage(await listAccounts(manage, params.org, readPage(page), name), knownAccountView),
  }),
  route({
    ...one,
    id: 'getServiceAccount',
    method: 'GET',
    summary: 'Read a service account, and what it was issued',
    description,
    answer: AccountWithTokensAnswer,
    example: { answer: KNOWN },
    run: async ({ manage, params }) => knownAccountView(await getAccount(manage, params.org, params.clientId)),
  }),
  route({
    ...one,
    id: 'patchServiceAccount',
    method: 'PATCH',
    summary: 'Change the name or the scopes of a service account',
    description,
    body: AccountPatchBody,
    answer: AccountAnswer,
    errors: { 422: ['scopes_required', 'scope_unknown'] },
    example: { body: { name: 'importer' }, answer: { ...ACCOUNT, ...REVISION } },
    async run({ manage, params, body }) {
      const { value, revision } = await patchAccount(manage, params.org, params.clientId, body);
      return { ...accountView(value), revision };
    },
  }),
  route({
    ...one,
    id: 'deleteServiceAccount',
    method: 'DELETE',
    summary: 'Delete a service account',
    description: `${description} ${issuedBefore}`,
    query: TokensQuery,
    answer: EndedAccountAnswer,
    example: { answer: { cascade: { ...CASCADE, lostRoles: ['w1'] }, dryRun: false, ...REVISION } },
    async run({ manage, params, query }) {
      const end = ended(query);
      const { value: cascade, revision } = await deleteAccount(manage, params.org, params.clientId, end);
      return { cascade, ...changed(end.dryRun, revision) };
    },
  }),
];

const stateRoutes: readonly AdminRoute[] = [
  route({
    ...one,
    path: `${one.path}/rotate-secret`,
    id: 'rotateServiceAccountSecret',
    method: 'POST',
    summary: 'Replace the secret; the new one is shown this once',
    description: `${description} The old secret ends at once.`,
    answer: CreatedAccountAnswer,
    example: { answer: { ...ACCOUNT, clientSecret: 'scs_…', ...REVISION } },
    async run({ manage, params }) {
      const { value, revision } = await rotateSecret(manage, params.org, params.clientId);
      return { ...accountView(value.doc), clientSecret: value.clientSecret, revision };
    },
  }),
  route({
    ...one,
    path: `${one.path}/disable`,
    id: 'disableServiceAccount',
    method: 'POST',
    summary: 'Issue no more access tokens to a service account',
    description: `${description} ${issuedBefore}`,
    query: TokensQuery,
    answer: DisabledAccountAnswer,
    example: { answer: { ...ACCOUNT, state: 'disabled', cascade: CASCADE, dryRun: false, ...REVISION } },
    async run({ manage, params, query }) {
      const end = ended(query);
      const { value, revision } = await setAccountState(manage, params.org, params.clientId, 'disabled', end);
      return { ...accountView(value.doc), cascade: value.cascade, ...changed(end.dryRun, revision) };
    },
  }),
  route({
    ...one,
    path: `${one.path}/enable`,
    id: 'enableServiceAccount',
    method: 'POST',
    summary: 'Issue access tokens to a service account again',
    description,
    answer: AccountAnswer,
    example: { answer: { ...ACCOUNT, ...REVISION } },
    async run({ manage, params }) {
      const end = { revokeTokens: false };
      const { value, revision } = await setAccountState(manage, params.org, params.clientId, 'active', end);
      return { ...accountView(value.doc), revision };
    },
  }),
  route({
    ...one,
    path: `${one.path}/revoke-tokens`,
    id: 'revokeServiceAccountTokens',
    method: 'POST',
    summary: 'End all access tokens that a service account was issued',
    description,
    query: DryRunQuery,
    answer: EndedAccountAnswer,
    example: { answer: { cascade: { ...CASCADE, endedTokens: 1, drainingTokens: 0 }, dryRun: false, ...REVISION } },
    async run({ manage, params, query }) {
      const dryRun = query.dryRun === 'true';
      const { value: cascade, revision } = await revokeAccountTokens(manage, params.org, params.clientId, dryRun);
      return { cascade, ...changed(dryRun, revision) };
    },
  }),
];

export const accountRoutes: readonly AdminRoute[] = [...recordRoutes, ...stateRoutes];
