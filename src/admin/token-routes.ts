/** Tokens over HTTP. Parses and renders; the rules are in manage/. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { tokenKey } from '../core/facts.ts';
import {
  changeTokenState,
  deleteToken,
  patchToken,
  rotateToken,
  type StateChange,
} from '../manage/tokens/token-changes.ts';
import { createToken, findTokenByText, getToken, listTokens } from '../manage/tokens/tokens.ts';
import type { TokenDoc } from '../manage/unit-of-work/records.ts';
import type { ContextOf } from './caller.ts';
import { readPage } from './paging.ts';
import {
  ChangedToken,
  CreatedToken,
  FoundToken,
  Revision,
  RotatedToken,
  Token,
  TokenList,
} from './response-schemas.ts';
import {
  FindInput,
  ItemParams,
  NoBody,
  NoQuery,
  OrganizationParams,
  RotateInput,
  TokenInput,
  TokenPatch,
  TokenQuery,
} from './schemas.ts';
import { instant, tokenView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

const STATE_CHANGES: readonly StateChange[] = ['activate', 'deactivate', 'revoke'];

export function tokenRoutes(app: App, manage: ContextOf): void {
  const lastUses = (request: FastifyRequest, docs: readonly TokenDoc[]) =>
    manage(request).store.touched(docs.map((doc) => tokenKey(doc.organizationId, doc.id)));
  /** Read before a change: what happens to the answer afterwards says nothing of whether the change was made. */
  const lastUse = async (request: FastifyRequest<{ Params: { org: string; id: string } }>) => {
    const { org, id } = request.params;
    return (await manage(request).store.touched([tokenKey(org, id)]))[0]!;
  };
  const tags = ['tokens'];
  const tokens = '/v1/organizations/:org/tokens';
  const all = { params: OrganizationParams, tags };
  app.post(
    tokens,
    { schema: { ...all, querystring: NoQuery, body: TokenInput, response: { '2xx': CreatedToken } } },
    async (request, reply) => {
      const { value, revision } = await createToken(manage(request), request.params.org, request.body);
      return reply
        .code(201)
        .send({ ...tokenView(value.doc, manage(request).nowMs(), null), token: value.token, revision } as never);
    },
  );
  app.get(tokens, { schema: { ...all, querystring: TokenQuery, response: { '2xx': TokenList } } }, async (request) => {
    const { limit, cursor, expiringWithinDays, ...filter } = request.query;
    const within = expiringWithinDays === undefined ? {} : { expiringWithinDays: Number(expiringWithinDays) };
    const page = await listTokens(
      manage(request),
      request.params.org,
      { ...filter, ...within },
      readPage({ limit, cursor }),
    );
    const used = await lastUses(request, page.items);
    return {
      items: page.items.map((doc, nth) => tokenView(doc, manage(request).nowMs(), used[nth]!)),
      nextCursor: page.nextCursor,
    } as never;
  });

  const one = { params: ItemParams, querystring: NoQuery, tags };
  app.get(`${tokens}/:id`, { schema: { ...one, response: { '2xx': Token } } }, async (request) => {
    const doc = await getToken(manage(request), request.params.org, request.params.id);
    const [used] = await lastUses(request, [doc]);
    return tokenView(doc, manage(request).nowMs(), used!) as never;
  });
  app.patch(
    `${tokens}/:id`,
    { schema: { ...one, body: TokenPatch, response: { '2xx': ChangedToken } } },
    async (request) => {
      const used = await lastUse(request);
      const { value, revision } = await patchToken(
        manage(request),
        request.params.org,
        request.params.id,
        request.body,
      );
      return { ...tokenView(value, manage(request).nowMs(), used), revision } as never;
    },
  );
  app.delete(`${tokens}/:id`, { schema: { ...one, response: { '2xx': Revision } } }, async (request) => {
    const { revision } = await deleteToken(manage(request), request.params.org, request.params.id);
    return { revision };
  });
  for (const asked of STATE_CHANGES) {
    app.post(
      `${tokens}/:id/${asked}`,
      { schema: { ...one, body: NoBody, response: { '2xx': ChangedToken } } },
      async (request) => {
        const used = await lastUse(request);
        const { value, revision } = await changeTokenState(
          manage(request),
          request.params.org,
          request.params.id,
          asked,
        );
        return { ...tokenView(value, manage(request).nowMs(), used), revision } as never;
      },
    );
  }
  app.post(
    `${tokens}/:id/rotate`,
    { schema: { ...one, body: RotateInput, response: { '2xx': RotatedToken } } },
    async (request) => {
      const { org, id } = request.params;
      const used = await lastUse(request);
      const { value, revision } = await rotateToken(manage(request), org, id, request.body?.graceSeconds ?? 0);
      const values = value.values.map(({ worksUntilMs, ...rest }) => ({
        ...rest,
        worksUntil: worksUntilMs === null ? null : instant(worksUntilMs),
      }));
      return { ...tokenView(value.doc, manage(request).nowMs(), used), token: value.token, values, revision } as never;
    },
  );
  app.post(
    '/v1/tokens/find',
    {
      config: { takesToken: true },
      schema: { querystring: NoQuery, body: FindInput, response: { '2xx': FoundToken }, tags },
    },
    async (request) => {
      const doc = await findTokenByText(manage(request), request.body.token);
      const [used] = await lastUses(request, [doc]);
      return { ...tokenView(doc, manage(request).nowMs(), used!), organizationId: doc.organizationId } as never;
    },
  );
}
