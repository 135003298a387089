/** Who could have a request let through, over HTTP: what its route asks for, who could with a fitting token, which tokens can now. */
import type { RoutePosition } from '../config/load/route-positions.ts';
import type { Requirement } from '../core/requirement.ts';
import { select } from '../core/selector.ts';
import type { Reading } from '../edge/read-request.ts';
import type { WhoCan } from '../edge/who-can.ts';
import { holdsAnyKind, requireAdministrator } from '../manage/actor.ts';
import { enter, type ManageContext, reader } from '../manage/context.ts';
import { list, type Page, type PageRequest } from '../manage/listing.ts';
import { lists } from '../manage/unit-of-work/places.ts';
import { Type } from '../schema-type.ts';
import { askedOf } from './asked-request.ts';
import type { Explainer } from './explainer.ts';
import { readPage } from './paging.ts';
import { type AdminRoute, route, type Shaped } from './route.ts';
import { Nullable } from './schemas.ts';

const Params = Type.Object({
  org: Type.String(),
  list: Type.Union([Type.Literal('tokens'), Type.Literal('members'), Type.Literal('service-accounts')]),
});
const Query = Type.Object(
  {
    method: Type.String({ pattern: '^[A-Z][A-Z-]{0,31}$', description: 'such as GET' }),
    url: Type.String({ maxLength: 8192, description: 'a path with its query, or a whole address' }),
    address: Type.Optional(Type.String({ maxLength: 64, description: 'where the client is; absent: unknown' })),
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$', description: 'a whole number from 1 to 1000' })),
    cursor: Type.Optional(Type.String({ maxLength: 2000, description: 'the nextCursor of an earlier page' })),
  },
  { additionalProperties: false },
);
const Position = Type.Union([
  Type.Object({ file: Type.String(), line: Type.Integer(), column: Type.Integer() }),
  Type.Null(),
]);

const Needs = Type.Object({
  scopes: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: any token will do' }),
  match: Type.Enum(['all', 'any'], { description: 'of the scopes' }),
  role: Nullable(Type.String({ description: 'in the workspace' })),
  workspace: Nullable(Type.String({ description: 'what the request names, and as what' })),
  relation: Nullable(Type.String({ description: 'to which resource' })),
  sources: Type.Object({ route: Position, scopes: Position, workspace: Position, role: Position, resource: Position }),
});

const WhoCanAnswer = Type.Object(
  {
    route: Nullable(Type.String({ description: 'null: none takes it' })),
    reason: Nullable(Type.String({ description: 'why nobody can, whatever their token' })),
    public: Type.Boolean({ description: 'it asks for no token: everybody can' }),
    depends: Type.Boolean({ description: 'on the body, which is not given: these pass what comes before it' }),
    needs: Type.Union([Needs, Type.Null()]),
    items: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        kind: Nullable(Type.String({ description: 'of a token' })),
        ownerId: Nullable(Type.String()),
        role: Nullable(Type.String({ description: 'in the workspace of the request' })),
      }),
    ),
    examined: Type.Integer({ description: 'how many records this page was chosen from' }),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null: there is nobody else' }),
  },
  { title: 'WhoCan' },
);

type Item = Shaped<typeof WhoCanAnswer>['items'][number];

/** A page that finds few is not a long one: the next call goes on. */
const EXAMINE_MAX = 2000;
const AT = { file: 'gateway.yaml', line: 61, column: 16 };

export function whoCanRoute(explainer: Explainer): AdminRoute {
  return route({
    id: 'whoCan',
    method: 'GET',
    path: '/v1/organizations/:org/who-can/:list',
    tag: 'explanations',
    summary: 'List who could have a request let through',
    description:
      'For administrators. tokens: those that can now. members and service-accounts: who could with a token that has all their scopes and reaches the workspace. A page is chosen from so many records at most, and may be empty before the last.',
    params: Params,
    query: Query,
    answer: WhoCanAnswer,
    errors: { 400: ['invalid_field'], 403: ['not_allowed'] },
    example: {
      answer: {
        ...{ route: 'delete-bot', reason: null, public: false, depends: false },
        needs: {
          ...{ scopes: ['bot:write'], match: 'all', role: 'admin', workspace: 'ws_1 (workspace)', relation: null },
          sources: { route: AT, scopes: AT, workspace: AT, role: AT, resource: null },
        },
        items: [{ id: 'tok_1', name: 'nightly export', kind: 'personal', ownerId: 'ann', role: 'admin' }],
        ...{ examined: 12, nextCursor: null },
      },
    },
    async run({ manage, params: { org, list: of }, query }) {
      const { limit, cursor, ...asked } = query;
      const { rights } = await enter(manage, reader(manage.store), org);
      requireAdministrator(rights, 'see who can do what');
      const who = explainer.whoCan(askedOf(asked));
      const { reading, refused } = who;
      const counted = { examined: 0 };
      const page = readPage({ limit, cursor });
      const isUpToToken = refused === null && reading.route?.requirement != null;
      const { items, nextCursor } = isUpToToken
        ? await PAGES[of](manage, org, who, page, counted)
        : { items: [], nextCursor: null };
      return { ...askedFor(who, explainer), items, nextCursor, ...counted };
    },
  });
}

type OnePage = (
  manage: ManageContext,
  org: string,
  who: WhoCan,
  page: PageRequest,
  counted: { examined: number },
) => Promise<Page<Item>>;

const PAGES: Readonly<Record<'tokens' | 'members' | 'service-accounts', OnePage>> = {
  tokens: ({ store }, org, who, page, counted) =>
    list(store, 'token', lists.tokens(org), {
      ...page,
      examineMax: EXAMINE_MAX,
      pick: async (stored) => {
        counted.examined++;
        const passes = stored.state === 'active' ? await who.token(stored) : null;
        const { id, name, kind, ownerId } = stored;
        return passes === null ? null : { id, name, kind, ownerId, role: passes.role };
      },
    }),
  members: ({ store, policy }, org, who, page, counted) =>
    list(store, 'member', lists.members(org), {
      ...page,
      examineMax: EXAMINE_MAX,
      pick: async (member) => {
        counted.examined++;
        const { id, name, generation, edition } = member;
        if (!holdsAnyKind(member, policy())) return null;
        const passes = await who.holder(org, { type: 'member', id, generation, edition });
        return passes === null ? null : { id, name, kind: null, ownerId: null, role: passes.role };
      },
    }),
  'service-accounts': ({ store }, org, who, page, counted) =>
    list(store, 'account', lists.accounts(org), {
      ...page,
      examineMax: EXAMINE_MAX,
      pick: async ({ clientId: id, name, edition, scopes, state }) => {
        counted.examined++;
        if (state !== 'active') return null;
        const passes = await who.holder(org, { type: 'service-account', id, edition, scopes });
        return passes === null ? null : { id, name, kind: null, ownerId: null, role: passes.role };
      },
    }),
};

function askedFor({ reading, refused }: WhoCan, explainer: Explainer) {
  const { route: taken } = reading;
  const requirement = taken?.requirement ?? null;
  return {
    route: taken?.id ?? null,
    reason: refused,
    public: refused === null && taken !== null && requirement === null,
    depends: requirement?.bodyFields != null,
    needs: requirement === null ? null : needsOf(requirement, reading, explainer.position(taken!.id)),
  };
}

function needsOf({ scopes, workspace, resource }: Requirement, reading: Reading, position: RoutePosition | null) {
  const at = (part: keyof RoutePosition, isAsked: boolean) => (isAsked ? (position?.[part] ?? null) : null);
  const named = (selector: Parameters<typeof select>[0]) => select(selector, reading) ?? 'not named';
  return {
    scopes: scopes?.named ?? null,
    match: scopes?.all === false ? ('any' as const) : ('all' as const),
    role: workspace?.role ?? null,
    workspace: workspace === null ? null : `${named(workspace.selector)} (${workspace.as})`,
    relation: resource === null ? null : `${resource.relation} of ${resource.type} ${named(resource.selector)}`,
    sources: {
      route: at('route', true),
      scopes: at('scopes', scopes !== null),
      workspace: at('workspace', workspace !== null),
      role: at('role', workspace !== null),
      resource: at('resource', resource !== null),
    },
  };
}
