/** The traffic of all gateway processes over HTTP, for the operator. Renders; what is counted, and how, is told elsewhere. */
import { requireProcessOperator } from '../manage/actor.ts';
import { TRAFFIC_RANGES, type TrafficRange, type TrafficSeries } from '../observe/traffic-series.ts';
import { Type } from '../schema-type.ts';
import { type AdminRoute, route, type Shaped } from './route.ts';

/** Never rejects. */
export type AskTraffic = (
  range: TrafficRange,
) => Promise<TrafficSeries & { readonly processes: number; readonly unanswered: readonly string[] | null }>;

const RANGES = Object.keys(TRAFFIC_RANGES) as TrafficRange[];
const numberOrNull = (description?: string) =>
  Type.Union([Type.Number(), Type.Null()], description === undefined ? {} : { description });
const series = (description?: string) =>
  Type.Array(Type.Union([Type.Number(), Type.Null()]), description === undefined ? {} : { description });

const TrafficQuery = Type.Object(
  { range: Type.Optional(Type.Enum([...RANGES], { description: 'how far back; default 5m' })) },
  { additionalProperties: false },
);

const TrafficAnswer = Type.Object(
  {
    from: Type.String({ description: 'when the first step begins' }),
    stepMs: Type.Integer({ description: 'how long each step is; all series have one number for each' }),
    requestsPerSecond: series('null: nobody was there to count'),
    refusedPerSecond: series(),
    serverErrorsPerSecond: series('answers of class 5xx, of upstreams and our own'),
    inFlight: series('requests that upstreams work on'),
    authP50Ms: series('from the request being read to the decision; null: there was none'),
    authP99Ms: series(),
    revocationLagP99Ms: series('from a change by another process to its being applied'),
    reasons: Type.Array(
      Type.Object({ reason: Type.String(), refused: Type.Integer(), perSecond: series() }, { title: 'RefusalSeries' }),
      { description: 'the most frequent first' },
    ),
    total: Type.Object(
      {
        requests: Type.Integer(),
        refused: Type.Integer(),
        serverErrors: Type.Integer(),
        requestsPerSecond: Type.Number(),
        authP50Ms: numberOrNull(),
        authP99Ms: numberOrNull(),
        revocationLagP99Ms: numberOrNull(),
        inFlight: numberOrNull('as last seen'),
      },
      { title: 'TrafficSums', description: 'of the whole range' },
    ),
    processes: Type.Integer({ description: 'how many have told what they know' }),
    unanswered: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description: 'processes that have not answered in time; null: the store could not be asked who there is',
    }),
  },
  { title: 'Traffic' },
);

const EXAMPLE: Shaped<typeof TrafficAnswer> = {
  ...{ from: '2030-01-01T09:00:00.000Z', stepMs: 2000, processes: 1, unanswered: [] },
  ...{ requestsPerSecond: [null, 40, 42.5], refusedPerSecond: [null, 0, 0.5], serverErrorsPerSecond: [null, 0, 0] },
  ...{ inFlight: [null, 2, 3], authP50Ms: [null, 0.031, 0.03], authP99Ms: [null, 0.09, 0.11] },
  revocationLagP99Ms: [null, null, 3.2],
  reasons: [{ reason: 'scope_missing', refused: 1, perSecond: [null, 0, 0.5] }],
  total: {
    ...{ requests: 165, refused: 1, serverErrors: 0, requestsPerSecond: 41.3, inFlight: 3 },
    ...{ authP50Ms: 0.03, authP99Ms: 0.11, revocationLagP99Ms: 3.2 },
  },
};

export function trafficRoute(ask: AskTraffic): AdminRoute {
  return route({
    id: 'getTraffic',
    method: 'GET',
    path: '/v1/traffic',
    tag: 'operations',
    summary: 'Read how much was asked and refused lately, and how long it took',
    description:
      'For the admin key alone, without an actor. As each gateway process remembers it since its own start, in memory: 5 minutes in steps of 2 s, an hour of 10 s, 6 hours of a minute, a day of 5 minutes. Percentiles are as exact as the buckets of the histograms in /metrics.',
    query: TrafficQuery,
    answer: TrafficAnswer,
    errors: { 403: ['forbidden'] },
    example: { answer: EXAMPLE },
    async run({ manage, query }) {
      requireProcessOperator(manage.actor);
      return ask(query.range ?? '5m');
    },
  });
}
