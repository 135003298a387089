/** Why a request may go on or may not, over HTTP: for a token that the caller may see. Parses and renders; judges nothing. */
import { requireProcessOperator } from '../manage/actor.ts';
import { getToken } from '../manage/tokens/tokens.ts';
import { Type } from '../schema-type.ts';
import { askedOf } from './asked-request.ts';
import { type Explainer, explainedView, thenAndNow } from './explainer.ts';
import { requireRefusal } from './refusal-routes.ts';
import { DecisionAnswer, DecisionLine, recordOfLine } from './refusal-shapes.ts';
import { type AdminRoute, route } from './route.ts';
import { Nullable } from './schemas.ts';

const ExplainBody = Type.Object(
  {
    organization: Type.String({ maxLength: 128 }),
    tokenId: Type.String({ maxLength: 128 }),
    method: Type.String({ pattern: '^[A-Z][A-Z-]{0,31}$' }),
    url: Type.String({ maxLength: 8192, description: 'a path with its query, or a whole address' }),
    address: Type.Optional(Type.String({ maxLength: 64, description: 'where the client is; absent: unknown' })),
  },
  { additionalProperties: false, title: 'ExplainInput' },
);

const ExplainIdBody = Type.Object(
  { id: Type.String({ maxLength: 64, description: 'of a refusal: X-Scopegate-Decision-Id' }) },
  { additionalProperties: false, title: 'ExplainById' },
);

const ExplainLineBody = Type.Object(
  { decision: DecisionLine },
  { additionalProperties: false, title: 'ExplainDecision' },
);

const Source = Type.Object({
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  record: Type.Optional(Type.String({ description: 'the key of a stored record' })),
  field: Type.Optional(Type.String()),
});

const ExplanationAnswer = Type.Object(
  {
    outcome: Type.Enum(['allowed', 'refused', 'depends'], { description: 'depends: on the body, which is not given' }),
    reason: Nullable(Type.String()),
    status: Nullable(Type.Integer({ description: 'of the refusal' })),
    at: Type.String(),
    request: Type.Object({ method: Type.String(), host: Type.String(), path: Type.String() }),
    route: Nullable(Type.Object({ id: Type.String(), template: Type.String() })),
    token: Nullable(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        kind: Type.String(),
        ownerId: Nullable(Type.String()),
      }),
    ),
    checks: Type.Array(
      Type.Object({
        number: Type.Integer(),
        name: Type.String(),
        result: Type.Enum(['passed', 'failed', 'wouldPass', 'wouldFail', 'notAsked', 'open'], {
          description: 'would…: behind the first that failed; open: nothing to judge it by',
        }),
        reason: Nullable(Type.String()),
        values: Type.Any(),
        sources: Type.Array(Source),
      }),
    ),
    fix: Nullable(
      Type.Array(Type.Object({ change: Type.String(), command: Type.String() }), {
        description: 'the least that would let it through, all of it, in this order; null: no change of ours would',
      }),
    ),
    otherTokens: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), kind: Type.String() }), {
      description: 'of the same owner, with which the request is let through as they are: three at most',
    }),
    decided: Type.Optional(Nullable(DecisionAnswer)),
    changes: Type.Optional(
      Type.Array(
        Type.Object({ what: Type.String(), before: Nullable(Type.String()), after: Nullable(Type.String()) }),
        {
          description: 'what has changed since it was decided: fields of the token, records by their keys',
        },
      ),
    ),
  },
  { title: 'Explanation' },
);

const EXAMPLE = {
  outcome: 'refused',
  reason: 'scope_missing',
  status: 403,
  at: '2030-01-01T09:00:00.000Z',
  request: { method: 'DELETE', host: 'api.example.com', path: '/v1/bots/b1' },
  route: { id: 'delete-bot', template: '/v1/bots/{bot}' },
  token: { id: 'tok_1', name: 'nightly export', kind: 'personal', ownerId: 'ann' },
  checks: [
    {
      ...{ number: 7, name: 'scopes', result: 'failed', reason: 'scope_missing' },
      values: { needs: ['bot:write'], has: ['bot:read'] },
      sources: [
        { file: 'gateway.yaml', line: 61, column: 16 },
        { record: 'token/acme/tok_1', field: 'scopes' },
      ],
    },
  ],
  fix: [
    {
      change: 'give the token these scopes: bot:read bot:write',
      command: 'scopegate token edit tok_1 --scope bot:read --scope bot:write',
    },
  ],
  otherTokens: [{ id: 'tok_2', name: 'bot releases', kind: 'personal' }],
} as const;

export function explainRoute(explainer: Explainer): AdminRoute {
  return route({
    id: 'explain',
    method: 'POST',
    path: '/v1/explain',
    tag: 'explanations',
    summary: 'Say why a request with this token would be allowed or refused, and what would let it through',
    description:
      'Every check with what it sees and where that stands, not only the first that fails. For a token that the caller may see. With the id of a refusal, or the line of a decision: what was decided then, what would be decided now, and what has changed. Nothing is sent and nothing is changed.',
    body: Type.Union([ExplainBody, ExplainIdBody, ExplainLineBody], { title: 'ExplainRequest' }),
    answer: ExplanationAnswer,
    errors: { 400: ['invalid_field'], 403: ['forbidden'] },
    example: {
      body: { organization: 'acme', tokenId: 'tok_1', method: 'DELETE', url: 'https://api.example.com/v1/bots/b1' },
      answer: EXAMPLE as never,
    },
    async run({ manage, body }) {
      if ('id' in body) {
        const refusal = await requireRefusal(manage, explainer.refusals, body.id);
        return (await thenAndNow(manage, explainer, refusal)) as never;
      }
      if ('decision' in body) {
        const decided = recordOfLine(body.decision);
        if (decided.token === null || decided.organization === null) requireProcessOperator(manage.actor);
        return (await thenAndNow(manage, explainer, decided)) as never;
      }
      const token = await getToken(manage, body.organization, body.tokenId);
      return (await explainedView(manage, explainer, askedOf(body), token)) as never;
    },
  });
}
