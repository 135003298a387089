/**
 * The audit trail over HTTP: read by administrators, and by members as far as it is about what they did; never changed.
 * That of an organization that is no more, by the operator.
 */
import { Readable } from 'node:stream';
import type { Static } from 'typebox';
import { parseInstant } from '../manage/tokens/expiry.ts';
import { exportTrail, readTrail, type TrailQuestion } from '../manage/trail.ts';
import type { AuditDoc } from '../manage/unit-of-work/records.ts';
import { readPage, showPage } from './paging.ts';
import { AuditListAnswer, TextAnswer } from './response-schemas.ts';
import { type AdminRoute, OtherAnswer, route, WithHeaders } from './route.ts';
import { AuditExportQuery, AuditQuery, OrganizationParams } from './schemas.ts';
import { auditView } from './views.ts';

const trail = { path: '/v1/organizations/:org/audit-events', params: OrganizationParams, tag: 'audit' } as const;
const WHO =
  'For administrators; other members, and whoever calls by a token, find what they did themselves. With ended=true, for the operator: of the organizations that had this id before, whether there is one now or not.';

export const auditRoutes: readonly AdminRoute[] = [
  route({
    ...trail,
    id: 'listAuditEvents',
    method: 'GET',
    summary: 'Read the audit trail, oldest first or newest first',
    description: `${WHO} A page may be short, and others follow it, where few of many events fit.`,
    query: AuditQuery,
    answer: AuditListAnswer,
    errors: { 400: ['invalid_instant'] },
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
    run: async ({ manage, params, query: { limit, cursor, ...filters } }) =>
      showPage(await readTrail(manage, params.org, questionOf(filters), readPage({ limit, cursor })), auditView),
  }),
  route({
    ...trail,
    path: `${trail.path}/export`,
    id: 'exportAuditEvents',
    method: 'GET',
    summary: 'Take the audit trail out, an event a line',
    description: `${WHO} JSON lines, as they are listed. An answer that breaks off is not whole.`,
    query: AuditExportQuery,
    answer: TextAnswer,
    errors: { 400: ['invalid_instant'] },
    mediaType: 'application/x-ndjson',
    example: { answer: '{"id":"evt_1","at":"2030-01-01T09:00:00.000Z","action":"token.revoked",…}\n' },
    async run({ manage, params, query }) {
      const pages = await exportTrail(manage, params.org, questionOf(query));
      const headers = { 'Content-Disposition': `attachment; filename="audit-${encodeURIComponent(params.org)}.jsonl"` };
      return new WithHeaders(headers, new OtherAnswer(200, Readable.from(lines(pages)), 'application/x-ndjson'));
    },
  }),
];

async function* lines(pages: AsyncGenerator<readonly AuditDoc[]>): AsyncGenerator<string> {
  for await (const page of pages) {
    const text = page.map((doc) => `${JSON.stringify(auditView(doc))}\n`).join('');
    if (text !== '') yield text;
  }
}

function questionOf({ ended, order, since, until, ...filters }: Static<typeof AuditExportQuery>): TrailQuestion {
  return {
    ...filters,
    ended: ended === 'true',
    newestFirst: order === 'newest',
    sinceMs: since === undefined ? undefined : parseInstant(since, 'since'),
    untilMs: until === undefined ? undefined : parseInstant(until, 'until'),
  };
}
