/**
 * What a token reaches, over HTTP: one that somebody is about to make, with the rules of making it, and one that there is.
 * Parses and renders; makes nothing.
 */
import type { ReachedRoute, ReachingToken } from '../edge/token-reach.ts';
import { malformed } from '../manage/rejection.ts';
import { draftToken, placesToTry } from '../manage/tokens/reach.ts';
import { getToken } from '../manage/tokens/tokens.ts';
import { UNUSED } from '../manage/tokens/usage.ts';
import { Type } from '../schema-type.ts';
import { TOKEN } from './examples.ts';
import type { Explainer } from './explainer.ts';
import { NEW_ERRORS } from './grant-errors.ts';
import { TokenAnswer } from './response-schemas.ts';
import { type AdminRoute, route, type Shaped } from './route.ts';
import { ItemParams, Nullable, OrganizationParams, TokenBody } from './schemas.ts';
import { tokenView } from './views.ts';

const ReachQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,4}$', description: 'of routes: a whole number from 0 to 1000; absent: 200' }),
    ),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$', description: 'the nextCursor of an earlier page' })),
  },
  { additionalProperties: false },
);

const Strings = Type.Array(Type.String());
const ReachShape = Type.Object(
  {
    gateway: Nullable(Type.String({ description: 'where requests go: an origin, with the path of gateway.publicUrl' })),
    routes: Type.Integer({ description: 'that ask for a token' }),
    reached: Type.Integer({ description: 'of them: some request to each would be let through' }),
    public: Type.Integer({ description: 'that ask for none, and are in neither number' }),
    lost: Type.Array(Type.Object({ reason: Type.String(), routes: Type.Integer() }), {
      description: 'the others, by what stands in the way, most first',
    }),
    items: Type.Array(
      Type.Object({
        route: Type.String(),
        methods: Type.Union([Strings, Type.Null()], { description: 'null: all that no other route of its path names' }),
        hosts: Type.Union([Strings, Type.Null()], { description: 'null: every one that no route names' }),
        path: Type.String({ description: 'its template' }),
        reason: Nullable(Type.String({ description: 'what stands in the way; null: nothing' })),
        missing: Type.Array(Type.String(), { description: 'of scopes that the route names: those the token has not' }),
        ownerLacks: Type.Array(Type.String(), { description: 'those its owner may not do either' }),
        role: Nullable(Type.String({ description: 'that it asks for in a workspace' })),
        workspace: Nullable(Type.String({ description: 'one in which it is reached; null: it asks for none' })),
        relation: Nullable(Type.String({ description: 'that the request has to have to a resource: owner of bot' })),
        example: Type.Union(
          [
            Type.Object({
              method: Type.String(),
              path: Type.String({ description: 'with its query; what nothing judges stands in braces still' }),
              headers: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
            }),
            Type.Null(),
          ],
          { description: 'a call that it is let through with; null: what it would have to name is not known' },
        ),
      }),
      { description: 'in the order of the configuration' },
    ),
    nextCursor: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'TokenReach' },
);
type Shape = Shaped<typeof ReachShape>;

const { kind, ownerId, scopes, workspaces, environments, expiresAt, allowedAddresses, apiVersion } =
  TokenAnswer.properties;
const PreviewAnswer = Type.Object(
  {
    token: Type.Object({ kind, ownerId, scopes, workspaces, environments, expiresAt, allowedAddresses, apiVersion }),
    reach: ReachShape,
  },
  { title: 'TokenPreview' },
);

const REACH: Shape = {
  ...{ gateway: 'https://api.example.com', routes: 61, reached: 23, public: 2 },
  lost: [
    { reason: 'scope_missing', routes: 30 },
    { reason: 'role_insufficient', routes: 8 },
  ],
  items: [
    {
      ...{ route: 'list-bots', methods: ['GET'], hosts: null, path: '/v1/workspaces/{ws}/bots', reason: null },
      ...{ missing: [], ownerLacks: [], role: 'member', workspace: 'w1', relation: null },
      example: { method: 'GET', path: '/v1/workspaces/w1/bots', headers: [] },
    },
    {
      ...{ route: 'delete-bot', methods: ['DELETE'], hosts: null, path: '/v1/bots/{bot}', reason: 'scope_missing' },
      ...{ missing: ['bot:write'], ownerLacks: [], role: 'admin', workspace: null, relation: null, example: null },
    },
  ],
  nextCursor: '2',
};

const about = { tag: 'tokens', query: ReachQuery } as const;

export function reachRoutes(explainer: Explainer): readonly AdminRoute[] {
  return [
    route({
      ...about,
      id: 'previewToken',
      method: 'POST',
      path: '/v1/organizations/:org/tokens/preview',
      changesNothing: true,
      summary: 'Say what a token would be and which routes it would reach, without making it',
      description:
        'The rules and the refusals of createToken. A route is reached where some request to it would be let through; what a request says of a resource is left open.',
      params: OrganizationParams,
      body: TokenBody,
      answer: PreviewAnswer,
      errors: NEW_ERRORS,
      example: {
        body: { name: 'nightly export', owner: 'ann', scopes: ['bot:read'], workspaces: ['w1'], expiresInDays: 30 },
        answer: { token: TOKEN, reach: REACH },
      },
      async run({ manage, params, query, body }) {
        const { doc, snapshot } = await draftToken(manage, params.org, body);
        const found = { record: doc, snapshot, places: await placesToTry(manage, doc) };
        return { token: tokenView(doc, manage, UNUSED), reach: await reachView(explainer, found, query) };
      },
    }),
    route({
      ...about,
      id: 'getTokenReach',
      method: 'GET',
      path: '/v1/organizations/:org/tokens/:id/reach',
      summary: 'Say which routes a token reaches',
      description:
        'As long as it works: whether it has ended is not asked. A route is reached where some request to it would be let through; what a request says of a resource is left open.',
      params: ItemParams,
      answer: ReachShape,
      example: { answer: REACH },
      async run({ manage, params, query }) {
        const doc = await getToken(manage, params.org, params.id);
        return reachView(explainer, { record: doc, snapshot: null, places: await placesToTry(manage, doc) }, query);
      },
    }),
  ];
}

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 1000;

async function reachView(
  explainer: Explainer,
  token: ReachingToken,
  { limit, cursor }: { readonly limit?: string | undefined; readonly cursor?: string | undefined },
): Promise<Shape> {
  const size = limit === undefined ? LIMIT_DEFAULT : Number(limit);
  if (size > LIMIT_MAX) throw malformed('invalid_field', `limit must be 0 to ${LIMIT_MAX}`, 'limit');
  const from = cursor === undefined ? 0 : Number(cursor);
  const { routes, publicCount } = await explainer.reach(token);
  const lost = Map.groupBy(
    routes.filter(({ reason }) => reason !== null),
    ({ reason }) => reason!,
  );
  return {
    gateway: explainer.gatewayUrl(),
    routes: routes.length,
    reached: routes.filter(({ reason }) => reason === null).length,
    public: publicCount,
    lost: Array.from(lost, ([reason, those]) => ({ reason, routes: those.length })).toSorted(
      (left, right) => right.routes - left.routes,
    ),
    items: routes.slice(from, from + size).map(itemView),
    nextCursor: from + size < routes.length ? String(from + size) : null,
  };
}

function itemView({
  route: { id, methods, hosts, template, requirement },
  ...reach
}: ReachedRoute): Shape['items'][number] {
  const { workspace, resource } = requirement!;
  const { reason, missing, ownerLacks, workspaceId, example } = reach;
  return {
    ...{ route: id, methods: methods ?? null, hosts, path: template, reason, missing, ownerLacks },
    role: workspace?.role ?? null,
    workspace: workspaceId,
    relation: resource === null || resource.relation === 'named' ? null : `${resource.relation} of ${resource.type}`,
    example: example && { ...example, headers: example.headers.map(([name, value]) => ({ name, value })) },
  };
}
