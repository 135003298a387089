/** Service accounts over HTTP. Parses and renders; the rules are in manage/. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
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
import type { ContextOf } from './caller.ts';
import { readPage } from './paging.ts';
import { Account, AccountList, AccountWithTokens, CreatedAccount, Revision } from './response-schemas.ts';
import {
  AccountInput,
  AccountParams,
  AccountPatch,
  NoBody,
  NoQuery,
  OrganizationParams,
  PageQuery,
  TokensQuery,
} from './schemas.ts';
import { accountView, issuedView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

export function accountRoutes(app: App, manage: ContextOf): void {
  const tags = ['service accounts'];
  const accounts = '/v1/organizations/:org/service-accounts';
  const all = { params: OrganizationParams, tags };
  app.post(
    accounts,
    { schema: { ...all, querystring: NoQuery, body: AccountInput, response: { '2xx': CreatedAccount } } },
    async (request, reply) => {
      const { value, revision } = await createAccount(manage(request), request.params.org, request.body);
      return reply.code(201).send({ ...accountView(value.doc), clientSecret: value.clientSecret, revision } as never);
    },
  );
  app.get(
    accounts,
    { schema: { ...all, querystring: PageQuery, response: { '2xx': AccountList } } },
    async (request) => {
      const { items, nextCursor } = await listAccounts(manage(request), request.params.org, readPage(request.query));
      return { items: items.map(accountView), nextCursor } as never;
    },
  );

  const path = `${accounts}/:clientId`;
  const one = { params: AccountParams, querystring: NoQuery, tags };
  const ending = { params: AccountParams, querystring: TokensQuery, tags };
  app.get(path, { schema: { ...one, response: { '2xx': AccountWithTokens } } }, async (request) => {
    const { doc, issued } = await getAccount(manage(request), request.params.org, request.params.clientId);
    return { ...accountView(doc), tokens: issuedView(issued) } as never;
  });
  app.patch(path, { schema: { ...one, body: AccountPatch, response: { '2xx': Account } } }, async (request) => {
    const { org, clientId } = request.params;
    const { value, revision } = await patchAccount(manage(request), org, clientId, request.body);
    return { ...accountView(value), revision } as never;
  });
  app.delete(path, { schema: { ...ending, response: { '2xx': Revision } } }, async (request) => {
    const { org, clientId } = request.params;
    const { revision } = await deleteAccount(manage(request), org, clientId, request.query.tokens === 'revoke');
    return { revision };
  });
  app.post(
    `${path}/rotate-secret`,
    { schema: { ...one, body: NoBody, response: { '2xx': CreatedAccount } } },
    async (request) => {
      const { value, revision } = await rotateSecret(manage(request), request.params.org, request.params.clientId);
      return { ...accountView(value.doc), clientSecret: value.clientSecret, revision } as never;
    },
  );
  app.post(
    `${path}/disable`,
    { schema: { ...ending, body: NoBody, response: { '2xx': Account } } },
    async (request) => {
      const { org, clientId } = request.params;
      const revoke = request.query.tokens === 'revoke';
      const { value, revision } = await setAccountState(manage(request), org, clientId, 'disabled', revoke);
      return { ...accountView(value), revision } as never;
    },
  );
  app.post(`${path}/enable`, { schema: { ...one, body: NoBody, response: { '2xx': Account } } }, async (request) => {
    const { org, clientId } = request.params;
    const { value, revision } = await setAccountState(manage(request), org, clientId, 'active', false);
    return { ...accountView(value), revision } as never;
  });
  app.post(
    `${path}/revoke-tokens`,
    { schema: { ...one, body: NoBody, response: { '2xx': Revision } } },
    async (request) => {
      const { revision } = await revokeAccountTokens(manage(request), request.params.org, request.params.clientId);
      return { revision };
    },
  );
}
