/** Service accounts over HTTP. Parses and renders; the rules are in manage/. */
import {
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
  RevisionAnswer,
} from './response-schemas.ts';
import { type AdminRoute, Created, route } from './route.ts';
import { AccountBody, AccountParams, AccountPatchBody, OrganizationParams, PageQuery, TokensQuery } from './schemas.ts';
import { accountView, issuedView } from './views.ts';

const all = { path: '/v1/organizations/:org/service-accounts', params: OrganizationParams, tag: 'service accounts' };
const one = { path: `${all.path}/:clientId`, params: AccountParams, tag: all.tag };
const description = 'For administrators of the organization.';

const recordRoutes: readonly AdminRoute[] = [
  route({
    ...all,
    id: 'createServiceAccount',
    method: 'POST',
    summary: 'Create a service account; its secret is shown this once',
    description,
    body: AccountBody,
    answer: CreatedAccountAnswer,
    errors: { 409: ['no_service_accounts'], 422: ['scopes_required', 'scope_unknown'] },
    example: {
      body: { name: 'importer', scopes: ['bot:read'] },
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
    summary: 'List the service accounts of an organization',
    description,
    query: PageQuery,
    answer: AccountListAnswer,
    example: { answer: { items: [ACCOUNT], nextCursor: null } },
    run: async ({ manage, params, query }) =>
      showPage(await listAccounts(manage, params.org, readPage(query)), accountView),
  }),
  route({
    ...one,
    id: 'getServiceAccount',
    method: 'GET',
    summary: 'Read a service account, and what it was issued',
    description,
    answer: AccountWithTokensAnswer,
    example: { answer: { ...ACCOUNT, tokens: { live: 1, issued: 12, lastIssuedAt: '2030-01-01T09:30:00.000Z' } } },
    async run({ manage, params }) {
      const { doc, issued } = await getAccount(manage, params.org, params.clientId);
      return { ...accountView(doc), tokens: issuedView(issued) };
    },
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
    description: `${description} Access tokens already issued live on until they expire, unless tokens=revoke.`,
    query: TokensQuery,
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params, query }) {
      const { revision } = await deleteAccount(manage, params.org, params.clientId, query.tokens === 'revoke');
      return { revision };
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
    description: `${description} Access tokens already issued live on until they expire, unless tokens=revoke.`,
    query: TokensQuery,
    answer: AccountAnswer,
    example: { answer: { ...ACCOUNT, state: 'disabled', ...REVISION } },
    async run({ manage, params, query }) {
      const revoke = query.tokens === 'revoke';
      const { value, revision } = await setAccountState(manage, params.org, params.clientId, 'disabled', revoke);
      return { ...accountView(value), revision };
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
      const { value, revision } = await setAccountState(manage, params.org, params.clientId, 'active', false);
      return { ...accountView(value), revision };
    },
  }),
  route({
    ...one,
    path: `${one.path}/revoke-tokens`,
    id: 'revokeServiceAccountTokens',
    method: 'POST',
    summary: 'End all access tokens that a service account was issued',
    description,
    answer: RevisionAnswer,
    example: { answer: REVISION },
    async run({ manage, params }) {
      const { revision } = await revokeAccountTokens(manage, params.org, params.clientId);
      return { revision };
    },
  }),
];

export const accountRoutes: readonly AdminRoute[] = [...recordRoutes, ...stateRoutes];
