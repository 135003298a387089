/** The audit trail over HTTP: read by administrators, never changed. That of an organization that is no more, by the operator. */
import { readTrail } from '../manage/trail.ts';
import { readPage, showPage } from './paging.ts';
import { AuditListAnswer } from './response-schemas.ts';
import { type AdminRoute, route } from './route.ts';
import { AuditQuery, OrganizationParams } from './schemas.ts';
import { auditView } from './views.ts';

export const auditRoutes: readonly AdminRoute[] = [
  route({
    id: 'listAuditEvents',
    method: 'GET',
    path: '/v1/organizations/:org/audit-events',
    tag: 'audit',
    summary: 'Read the audit trail, oldest first',
    description:
      'For administrators. With ended=true, for the operator: of the organizations that had this id before, whether there is one now or not.',
    params: OrganizationParams,
    query: AuditQuery,
    answer: AuditListAnswer,
    example: {
      answer: {
        items: [
          {
            id: 'evt_1',
            at: '2030-01-01T09:00:00.000Z',
            actor: { kind: 'member', id: 'ann', tokenId: null },
            action: 'token.revoked',
            outcome: 'done',
            target: { type: 'token', id: 'tok_1' },
            before: { state: 'active' },
            after: { state: 'revoked' },
            code: null,
            detail: null,
          },
        ],
        nextCursor: null,
      },
    },
    run: async ({ manage, params, query }) =>
      showPage(await readTrail(manage, params.org, readPage(query), query.ended === 'true'), auditView),
  }),
];
