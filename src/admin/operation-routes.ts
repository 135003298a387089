/** What operators and probes ask: alive, ready, metrics, the policy in force, what the process says about itself. */
import { formatProblem, type Problem } from '../errors.ts';
import { requireProcessOperator } from '../manage/actor.ts';
import { POLICY } from './examples.ts';
import { LiveAnswer, OpenAnswer, PolicyAnswer, ReadyAnswer, TextAnswer } from './response-schemas.ts';
import { type AdminRoute, OtherAnswer, route, type Shaped } from './route.ts';
import { STATUS, StatusAnswer } from './status-shape.ts';
import type { AskTraffic } from './traffic-routes.ts';
import { policyView } from './views.ts';

/** Others may have to be asked for it. */
type Asked<T> = (T & Readonly<Record<string, unknown>>) | Promise<T & Readonly<Record<string, unknown>>>;

/** What the process says about itself. */
export interface Operations {
  /** `ready` decides the status; the rest is for people. */
  readonly readiness: () => Asked<{ readonly ready: boolean }>;
  /** More of the same, for whoever holds the admin key. */
  readonly status: () => Shaped<typeof StatusAnswer> | Promise<Shaped<typeof StatusAnswer>>;
  /** Reads the configuration again; `problems` is empty when it is in force now. */
  readonly reload: () => Asked<{ readonly problems: readonly Problem[] }>;
  readonly traffic: AskTraffic;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function operationRoutes(operations: Operations): readonly AdminRoute[] {
  return [...probeRoutes(operations), ...processRoutes(operations)];
}

function probeRoutes({ readiness, metrics }: Operations): readonly AdminRoute[] {
  const open = { method: 'GET', tag: 'operations', open: true } as const;
  return [
    route({
      ...open,
      id: 'isLive',
      path: '/livez',
      summary: 'Does the process answer',
      answer: LiveAnswer,
      example: { answer: { live: true } },
      run: () => ({ live: true }),
    }),
    route({
      ...open,
      id: 'isReady',
      path: '/readyz',
      summary: 'May the process be sent requests; 503 with the same fields where it may not',
      answer: ReadyAnswer,
      example: { answer: { ready: true } },
      async run() {
        const { ready, ...details } = await readiness();
        return ready ? { ready, ...details } : new OtherAnswer(503, { ready, ...details });
      },
    }),
    route({
      ...open,
      id: 'getMetrics',
      path: '/metrics',
      summary: 'Metrics for Prometheus',
      answer: TextAnswer,
      mediaType: 'text/plain',
      example: { answer: 'scopegate_requests_total{outcome="allowed"} 1\n' },
      async run() {
        const { contentType, text } = await metrics();
        return new OtherAnswer(200, text, contentType);
      },
    }),
  ];
}

function processRoutes({ status, reload }: Operations): readonly AdminRoute[] {
  const forOperator = 'For the admin key alone, without an actor.';
  return [
    route({
      id: 'getPolicy',
      method: 'GET',
      path: '/v1/policy',
      tag: 'policy',
      summary: 'Read the policy in force: kinds of tokens, scopes, roles and actions',
      answer: PolicyAnswer,
      example: { answer: POLICY },
      run: ({ manage }) => policyView(manage.policy()),
    }),
    route({
      id: 'getStatus',
      method: 'GET',
      path: '/v1/status',
      tag: 'operations',
      summary: 'Read what the process says about itself',
      description: forOperator,
      answer: StatusAnswer,
      errors: { 403: ['forbidden'] },
      example: { answer: STATUS },
      run({ manage }) {
        requireProcessOperator(manage.actor);
        return status();
      },
    }),
    route({
      id: 'reload',
      method: 'POST',
      path: '/v1/reload',
      tag: 'operations',
      summary: 'Read the configuration again, and put it into force if it is valid',
      description: forOperator,
      answer: OpenAnswer,
      errors: { 403: ['forbidden'], 422: ['configuration_invalid'] },
      // Judged in a thread: on a busy machine thousands of routes take a while.
      takesLong: true,
      example: { answer: { result: 'applied' } },
      async run({ manage }) {
        requireProcessOperator(manage.actor);
        const { problems, ...outcome } = await reload();
        return problems.length === 0 ? outcome : stillAsItWas(problems, outcome);
      },
    }),
  ];
}

function stillAsItWas(problems: readonly Problem[], outcome: object): OtherAnswer {
  const refusal = {
    type: 'about:blank',
    title: 'configuration invalid',
    status: 422,
    code: 'configuration_invalid',
    detail: `The configuration stays as it was. ${problems.map(formatProblem).join('\n')}`,
    problems,
    ...outcome,
  };
  return new OtherAnswer(422, refusal, 'application/problem+json');
}
