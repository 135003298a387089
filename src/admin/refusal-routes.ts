/** The refusals that the gateway processes remember, over HTTP: everybody's for the operator, their own for members. */
import { organizationKey } from '../core/facts.ts';
import type { RefusalFilter } from '../edge/refusal-ring.ts';
import { maySeeTokenOf } from '../manage/actor.ts';
import { enter, type ManageContext, reader } from '../manage/context.ts';
import { malformed, notFound, Rejection } from '../manage/rejection.ts';
import { parseInstant } from '../manage/tokens/expiry.ts';
import { Type } from '../schema-type.ts';
import type { Explainer } from './explainer.ts';
import { readPage } from './paging.ts';
import {
  DECISION,
  DecisionAnswer,
  type FindRefusals,
  type FoundRefusal,
  type FoundRefusals,
} from './refusal-shapes.ts';
import { type AdminRoute, route } from './route.ts';

const ID = '^[0-9A-HJKMNP-TV-Z]{26}$';
const word = (description: string) => Type.Optional(Type.String({ maxLength: 128, description }));

const RefusalsQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$', description: 'a whole number from 1 to 1000' })),
    cursor: Type.Optional(Type.String({ pattern: ID, description: 'the nextCursor of an earlier page' })),
    reason: word('such as scope_missing'),
    route: word('its id'),
    token: word('its id'),
    organization: word('of the token; needed by members'),
    address: word("the client's"),
    since: word('RFC 3339'),
  },
  { additionalProperties: false },
);

const RefusalListAnswer = Type.Object(
  {
    items: Type.Array(DecisionAnswer),
    nextCursor: Type.Union([Type.String(), Type.Null()]),
    keep: Type.Integer({ description: 'so many each process remembers (explain.keep); 0: none' }),
    forMinutes: Type.Integer({ description: 'for so long (explain.forMinutes)' }),
    unanswered: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description:
        'processes that have not said in time what they remember; null: the store could not be asked who there is',
    }),
  },
  { title: 'RefusalList' },
);

const NONE: RefusalFilter = {
  ...{ id: null, reason: null, route: null, token: null, organization: null, owner: null },
  ...{ address: null, sinceMs: null },
};

export function refusalsRoute({ refusals: find, keeps }: Pick<Explainer, 'refusals' | 'keeps'>): AdminRoute {
  return route({
    id: 'listRefusals',
    method: 'GET',
    path: '/v1/refusals',
    tag: 'explanations',
    summary: 'List what was refused lately, newest first',
    description:
      'As far as the gateway processes remember it (explain.keep, explain.forMinutes). All of them for the operator; those of tokens of their organization for its administrators; those of their own tokens for members.',
    query: RefusalsQuery,
    answer: RefusalListAnswer,
    errors: { 400: ['invalid_instant', 'invalid_field'], 403: ['not_allowed'] },
    example: { answer: { items: [DECISION], nextCursor: null, keep: 10_000, forMinutes: 1440, unanswered: [] } },
    async run({ manage, query }) {
      const { limit, cursor = null, since, ...wanted } = query;
      const page = readPage({ limit });
      const sinceMs = since === undefined ? null : parseInstant(since, 'since');
      const seen = await visibleTo(manage, wanted.organization ?? null);
      const filter = { ...NONE, ...wanted, ...seen, sinceMs };
      const { found, unanswered } = await find({ ...filter, before: cursor, limit: page.limit + 1 });
      const items = found.slice(0, page.limit);
      return {
        items,
        nextCursor: found.length > items.length ? items.at(-1)!.id : null,
        ...keeps(),
        unanswered,
      };
    },
  });
}

/** 404 for one that nobody remembers, and for one that is none of the caller's business. */
export async function requireRefusal(manage: ManageContext, find: FindRefusals, id: string): Promise<FoundRefusal> {
  const { found, unanswered } = await find({ ...NONE, id, before: null, limit: 1 });
  const refusal = found[0];
  if (refusal === undefined || !(await maySee(manage, refusal)))
    throw notFound('refusal', notFoundText(id, unanswered));
  return refusal;
}

function notFoundText(id: string, unanswered: FoundRefusals['unanswered']): string {
  if (unanswered === null) return `${id} (only one process could be asked)`;
  return unanswered.length === 0 ? id : `${id} (not answered by ${unanswered.join(', ')})`;
}

/** What of `RefusalFilter` holds the caller to what they may see. */
async function visibleTo(manage: ManageContext, organization: string | null) {
  const { actor } = manage;
  if (actor.kind === 'operator') return { organization, owner: null };
  const org = organization ?? (actor.kind === 'token' ? actor.token.organizationId : null);
  if (org === null)
    throw malformed('invalid_field', 'which organization? It is needed on behalf of a member', 'organization');
  const { rights } = await enter(manage, reader(manage.store), org);
  const { member } = rights;
  if (member === null || maySeeTokenOf(rights, manage.policy(), null)) return { organization: org, owner: null };
  return { organization: org, owner: { id: member.id, generation: member.generation } };
}

async function maySee(manage: ManageContext, { organization, owner, ownerGeneration }: FoundRefusal): Promise<boolean> {
  if (manage.actor.kind === 'operator') return true;
  // Whose it is nobody knows, or it is in an organization that is no more.
  if (organization === null || (await manage.store.get(organizationKey(organization))) === null) return false;
  const seen = await visibleTo(manage, organization).catch((error: unknown) => {
    if (error instanceof Rejection) return null;
    throw error;
  });
  if (seen === null) return false;
  return seen.owner === null || (seen.owner.id === owner && seen.owner.generation === ownerGeneration);
}
