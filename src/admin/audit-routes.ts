/** The audit trail over HTTP: read by administrators, never changed; and the place where refused attempts enter it. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { isId, organizationKey } from '../core/facts.ts';
import { withoutTokens } from '../core/token-format.ts';
import { requireAdministrator } from '../manage/actor.ts';
import { actorView, auditDoc } from '../manage/audit.ts';
import { enter, type ManageContext, reader } from '../manage/context.ts';
import { list } from '../manage/listing.ts';
import { lists, place } from '../manage/places.ts';
import type { AuditDoc } from '../manage/records.ts';
import type { Rejection } from '../manage/rejection.ts';
import { AuditList } from './answers.ts';
import type { ContextOf } from './caller.ts';
import { readPage } from './paging.ts';
import { OrganizationParams, PageQuery } from './schemas.ts';
import { auditView } from './views.ts';

type App = Parameters<FastifyPluginAsyncTypebox>[0];

export function auditRoutes(app: App, manage: ContextOf): void {
  const schema = {
    params: OrganizationParams,
    querystring: PageQuery,
    response: { '2xx': AuditList },
    tags: ['audit'],
  };
  app.get('/v1/organizations/:org/audit-events', { schema }, async (request) => {
    const context = manage(request);
    const { rights } = await enter(context, reader(context.store), request.params.org);
    requireAdministrator(rights, 'read the audit trail');
    const page = await list(context.store, 'audit', lists.audit(request.params.org), readPage(request.query));
    return { items: page.items.map(auditView), nextCursor: page.nextCursor } as never;
  });
}

/** A refused attempt at a change leaves a line, too. Only in organizations that exist: strangers cannot fill the store. */
export async function recordRefusal(
  context: ManageContext,
  request: FastifyRequest,
  rejection: Rejection,
): Promise<void> {
  const { status, code, detail } = rejection.details;
  const params = request.params as Readonly<Record<string, string>>;
  const org = rejection.subject?.organizationId ?? params.org;
  if (request.method === 'GET' || org === undefined || !isId(org) || status === 400) return;
  // To a member what is somebody else's does not exist; that they tried is worth a line. The operator just mistyped.
  if (status === 404 && context.actor.kind === 'operator') return;
  if ((await context.store.get(organizationKey(org))) === null) return;
  const url = request.routeOptions.url ?? '';
  const action = `${request.method} ${url}`;
  const target = rejection.subject?.target ?? targetOf(url, params);
  const line = { action, outcome: 'refused', target, before: null, after: null, code, detail } as const;
  const doc = auditDoc(org, actorView(context.actor), context.nowMs(), line);
  const { key, indexes } = place('audit', doc);
  await context.store.commit({ expects: [], writes: [{ key, indexes, record: doc }] });
}

/** The innermost thing that the path names. null: the call was to make one, and the caller gave no id. */
function targetOf(url: string, params: Readonly<Record<string, string>>): AuditDoc['target'] {
  const named = [...url.matchAll(/\/([a-z-]+)(?:\/:(?:type|kind))?\/:(org|ws|id|clientId)(?=\/|$)/g)].at(-1);
  const endsInCollection = url.endsWith('/tokens') || url.endsWith('/service-accounts');
  if (named === undefined || endsInCollection) return null;
  const id = params[named[2]!]!;
  return { type: named[1]!.replace(/s$/, ''), id: isId(id) ? withoutTokens(id) : '…' };
}
