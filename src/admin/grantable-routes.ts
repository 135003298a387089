/** What a token may be granted, over HTTP, for whoever is about to make one. Parses and renders; the rules are in manage/. */
import { grantableTo } from '../manage/tokens/grantable.ts';
import { Type } from '../schema-type.ts';
import { type AdminRoute, route } from './route.ts';
import { Nullable, OrganizationParams } from './schemas.ts';

const word = (description: string) => Type.Optional(Type.String({ maxLength: 128, description }));

const GrantableAnswer = Type.Object(
  {
    owner: Type.String(),
    kind: Type.String(),
    scopes: Type.Array(Type.String(), { description: 'that its owner may give it' }),
    workspaces: Type.Object({
      listed: Type.Enum(['owned', 'joined', 'organization', 'none'], { description: 'which may be listed by id' }),
      listedMax: Type.Union([Type.Number(), Type.Null()], { description: 'how many at most; null: any number' }),
      all: Nullable(Type.String({ description: 'the widest all-grant; null: they have to be listed' })),
      items: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }), {
        description: 'those that may be listed, by name: 500 at most',
      }),
      isCut: Type.Boolean({ description: 'there are more: ask with a part of their names' }),
    }),
  },
  { title: 'Grantable' },
);

export const grantableRoute: AdminRoute = route({
  id: 'listGrantable',
  method: 'GET',
  path: '/v1/organizations/:org/grantable',
  tag: 'tokens',
  summary: 'Say which scopes and workspaces a new token may be granted',
  description: 'For oneself, or for any owner by the admin key alone.',
  params: OrganizationParams,
  query: Type.Object(
    {
      owner: word('the member whom the token is for; absent: the caller'),
      kind: word("absent: the policy's default"),
      workspace: word('a part of the name or id of workspaces, in any case'),
    },
    { additionalProperties: false },
  ),
  answer: GrantableAnswer,
  errors: { 403: ['not_allowed'], 422: ['kind_unknown', 'kind_not_held', 'owner_required', 'owner_unknown'] },
  example: {
    answer: {
      ...{ owner: 'ann', kind: 'personal', scopes: ['bot:read', 'tokens:manage'] },
      workspaces: {
        ...{ listed: 'joined', listedMax: 100, all: null },
        ...{ items: [{ id: 'w1', name: 'Handbook' }], isCut: false },
      },
    },
  },
  async run({ manage, params, query: { workspace, ...asked } }) {
    const { owner, kind, scopes, rule, workspaces, isCut } = await grantableTo(manage, params.org, {
      ...asked,
      part: workspace,
    });
    return {
      ...{ owner: owner.id, kind: kind.name, scopes },
      workspaces: {
        listed: rule?.listed ?? 'none',
        listedMax: rule === null || !Number.isFinite(rule.listedMax) ? null : rule.listedMax,
        all: rule?.all ?? null,
        items: workspaces.map(({ id, name }) => ({ id, name })),
        isCut,
      },
    };
  },
});
