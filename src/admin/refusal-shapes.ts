/** A refusal as it is remembered, and a decision as its line in the log has it: the shapes, and what is shown of one. */
import type { DecisionRecord } from '../edge/decision-record.ts';
import type { RefusalQuery, RememberedRefusal } from '../edge/refusal-ring.ts';
import { Type } from '../schema-type.ts';
import type { Shaped } from './route.ts';
import { Nullable } from './schemas.ts';

/** A refusal, and the process that remembers it. */
export interface FoundRefusal extends RememberedRefusal {
  readonly process: string;
}

export interface FoundRefusals {
  /** Newest first. */
  readonly found: readonly FoundRefusal[];
  /** Processes that have not said what they remember; null: nobody but this one could be asked. */
  readonly unanswered: readonly string[] | null;
}

/** The refusals of every process. Never rejects. */
export type FindRefusals = (query: RefusalQuery) => Promise<FoundRefusals>;

const text = (description?: string) => Nullable(Type.String(description === undefined ? {} : { description }));

/** What the log has of a decision, beside what the log itself adds. */
const decisionFields = {
  id: Type.String({ description: 'of the decision, as X-Scopegate-Decision-Id says it' }),
  requestId: Type.String(),
  at: Type.String({ description: 'when the request came' }),
  method: Type.String(),
  host: text(),
  path: Type.String({ description: 'without its query' }),
  altered: Type.Boolean({
    description: "the path is not the request's own: unreadable, with a token in it, or too long",
  }),
  route: text(),
  token: text('its id; null: none that is known'),
  kind: text(),
  organization: text(),
  owner: text('a member, or the client id of a service account'),
  state: text("the token's, then"),
  scopes: text("the token's, then, with blanks between them; empty: those of its owner"),
  workspaces: text("the token's, then: ids with commas between them, or an all-grant"),
  expiresAt: text("the token's, then; null: never"),
  workspace: text('that the request names'),
  environment: text('that the request names'),
  resource: text('that the request names: bot/b1'),
  role: text(),
  outcome: Type.Enum(['allowed', 'refused']),
  reason: text(),
  detail: text(),
  status: Type.Union([Type.Integer(), Type.Null()]),
  configuration: Type.String({ description: 'that it was judged by: a digest of its files' }),
  revision: Type.Integer({ description: 'of the store, up to which the facts were known' }),
  degraded: Type.Boolean(),
  address: Type.String(),
  authUs: Type.Integer({ description: 'how long deciding took, in microseconds' }),
  upstreamMs: Type.Union([Type.Number(), Type.Null()]),
  process: text('that remembers it; null: it comes from a log'),
};

export const DecisionAnswer = Type.Object(decisionFields, { title: 'Decision' });

/** A line of the log: what is not needed to explain it may be missing, and the log's own fields may be there. */
export const DecisionLine = Type.Object(
  {
    id: Type.String({ maxLength: 64 }),
    method: Type.String({ maxLength: 64 }),
    path: Type.String({ maxLength: 65_536 }),
    configuration: Type.Optional(Type.String({ maxLength: 64 })),
    revision: Type.Optional(Type.Integer({ minimum: 0 })),
    at: Type.Optional(Type.String({ maxLength: 64 })),
    address: Type.Optional(Type.String({ maxLength: 256 })),
    altered: Type.Optional(Type.Boolean()),
    outcome: Type.Optional(Type.Enum(['allowed', 'refused'])),
    status: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
    ...Object.fromEntries(
      ['host', 'route', 'token', 'organization', 'owner', 'state', 'scopes', 'workspaces', 'expiresAt'].map((name) => [
        name,
        Type.Optional(Nullable(Type.String({ maxLength: 4096 }))),
      ]),
    ),
    ...Object.fromEntries(
      ['workspace', 'environment', 'resource', 'role', 'reason', 'detail', 'kind', 'requestId'].map((name) => [
        name,
        Type.Optional(Nullable(Type.String({ maxLength: 4096 }))),
      ]),
    ),
  },
  { title: 'DecisionLine', description: 'as log.decisions writes it' },
);

/** A line as a record: what it does not say is not known. */
export function recordOfLine(line: { readonly id: string; readonly method: string; readonly path: string }) {
  const unknown = Object.fromEntries(Object.keys(decisionFields).map((name) => [name, null]));
  return {
    ...unknown,
    ...{ requestId: line.id, at: '', altered: false, outcome: 'refused', configuration: '', revision: 0 },
    ...{ degraded: false, address: '', authUs: 0 },
    ...line,
    process: null,
  } as unknown as DecisionRecord & { readonly process: string | null };
}

export const DECISION: Shaped<typeof DecisionAnswer> = {
  ...{ id: '01KDZ7Q6E0014R60G0RM000002', requestId: '01KDZ7Q6E0014R60G0RM000002', at: '2030-01-01T09:00:00.000Z' },
  ...{ method: 'DELETE', host: 'api.example.com', path: '/v1/bots/b1', altered: false, route: 'delete-bot' },
  ...{ token: 'tok_1', kind: 'personal', organization: 'acme', owner: 'ann', state: 'active', scopes: 'bot:read' },
  ...{ workspaces: 'ws_1', expiresAt: '2030-02-01T09:00:00.000Z', workspace: null, environment: null },
  ...{ resource: 'bot/b1', role: null, outcome: 'refused', reason: 'scope_missing', detail: null, status: 403 },
  ...{ configuration: '9f86d081884c', revision: 4711, degraded: false, address: '192.0.2.7', authUs: 31 },
  ...{ upstreamMs: null, process: 'gw2_4711_x1Y2z3' },
};
