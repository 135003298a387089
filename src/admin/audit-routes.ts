/** The audit trail over HTTP: read by administrators, never changed. That of an organization that is no more, by the operator. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { readTrail } from '../manage/trail.ts';
import type { ContextOf } from './caller.ts';
import { readPage } from './paging.ts';
import { AuditList } from './response-schemas.ts';
import { AuditQuery, OrganizationParams } from './schemas.ts';
import { auditView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

export function auditRoutes(app: App, manage: ContextOf): void {
  const schema = {
    params: OrganizationParams,
    querystring: AuditQuery,
    response: { '2xx': AuditList },
    tags: ['audit'],
  };
  app.get('/v1/organizations/:org/audit-events', { schema }, async (request) => {
    const page = await readTrail(
      manage(request),
      request.params.org,
      readPage(request.query),
      request.query.ended === 'true',
    );
    return { items: page.items.map(auditView), nextCursor: page.nextCursor } as never;
  });
}
