/** What operators and probes ask: alive, ready, metrics, the policy in force, the API's own description. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { formatProblem, type Problem } from '../errors.ts';
import type { Actor } from '../manage/actor.ts';
import { Rejection } from '../manage/rejection.ts';
import type { ContextOf } from './caller.ts';
import { NoBody, NoQuery } from './schemas.ts';
import { policyView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

/** Others may have to be asked for it. */
type Answer<T> = (T & Readonly<Record<string, unknown>>) | Promise<T & Readonly<Record<string, unknown>>>;

/** What the process says about itself. */
export interface Operations {
  /** `ready` decides the status; the rest is for people. */
  readonly readiness: () => Answer<{ readonly ready: boolean }>;
  /** More of the same, for whoever holds the admin key. */
  readonly status: () => Answer<object>;
  /** Reads the configuration again; `problems` is empty when it is in force now. */
  readonly reload: () => Answer<{ readonly problems: readonly Problem[] }>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function operationRoutes(app: App, manage: ContextOf, operations: Operations): void {
  const open = { config: { open: true }, schema: { tags: ['operations'], security: [] } };
  app.get('/livez', open, async () => ({ live: true }));
  app.get('/readyz', open, async (_request, reply) => {
    const { ready, ...details } = await operations.readiness();
    return reply.code(ready ? 200 : 503).send({ ready, ...details });
  });
  app.get('/metrics', open, async (_request, reply) => {
    const { contentType, text } = await operations.metrics();
    return reply.header('Content-Type', contentType).send(text);
  });
  app.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async () => app.swagger());
  app.get('/v1/policy', { schema: { querystring: NoQuery, tags: ['policy'] } }, async (request) =>
    policyView(manage(request).policy()),
  );
  const schema = { querystring: NoQuery, tags: ['operations'] };
  app.get('/v1/status', { schema }, async (request) => {
    requireOperator(manage(request).actor);
    return operations.status();
  });
  app.post('/v1/reload', { schema: { ...schema, body: NoBody } }, async (request, reply) => {
    requireOperator(manage(request).actor);
    // Judged in a thread: on a busy machine thousands of routes take longer than a connection may be silent.
    request.raw.socket.setTimeout(0);
    const { problems, ...outcome } = await operations.reload();
    if (problems.length === 0) return outcome;
    return reply
      .code(422)
      .header('Content-Type', 'application/problem+json')
      .send({
        type: 'about:blank',
        title: 'configuration invalid',
        status: 422,
        code: 'configuration_invalid',
        detail: `The configuration stays as it was. ${problems.map(formatProblem).join('\n')}`,
        problems,
        ...outcome,
      });
  });
}

/** 403 for members and their tokens: the process is no organization's. */
function requireOperator(actor: Actor): void {
  if (actor.kind === 'operator') return;
  throw new Rejection({ status: 403, code: 'forbidden', detail: 'This is for the admin key alone, without an actor.' });
}
