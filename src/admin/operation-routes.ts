/** What operators and probes ask: alive, ready, metrics, the policy in force, the API's own description. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { ContextOf } from './caller.ts';
import { NoQuery } from './schemas.ts';
import { policyView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

/** What the process says about itself. */
export interface Operations {
  /** `ready` decides the status; the rest is for people. */
  readonly readiness: () => { readonly ready: boolean } & Readonly<Record<string, unknown>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export function operationRoutes(app: App, manage: ContextOf, operations: Operations): void {
  const open = { config: { open: true }, schema: { tags: ['operations'], security: [] } };
  app.get('/livez', open, async () => ({ live: true }));
  app.get('/readyz', open, async (_request, reply) => {
    const { ready, ...details } = operations.readiness();
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
}
